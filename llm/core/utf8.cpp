// SPDX-License-Identifier: MIT

#include "llm/core/utf8.h"

#include <algorithm>
#include <cstdio>

#include "llm/core/error.h"

namespace llm {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD"; // U+FFFD
constexpr const char* cut_short = "unexpected end of data";

/** One character (reason == nullptr) or one error at the start of a text. */
struct Step {
  size_t length;
  char32_t character;
  const char* reason;
};

unsigned byte_at(std::string_view text, size_t i) {
  return static_cast<unsigned char>(text[i]);
}

/**
 * Reads what `text`, not empty, begins with. Only the second byte has bounds
 * that depend on the first one; they exclude overlong forms, surrogates and
 * code points over U+10FFFF (Unicode standard, table 3-7).
 */
Step read_character(std::string_view text) {
  const unsigned first = byte_at(text, 0);
  if (first < 0x80) {
    return {1, first, nullptr};
  }
  if (first < 0xC2 || first > 0xF4) {
    return {1, 0, "invalid start byte"};
  }
  const size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  unsigned low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  unsigned high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  char32_t character = first & (0x7Fu >> length);
  for (size_t i = 1; i < length; ++i) {
    if (i == text.size()) {
      return {i, 0, cut_short};
    }
    const unsigned next = byte_at(text, i);
    if (next < low || next > high) {
      return {i, 0, "invalid continuation byte"};
    }
    character = (character << 6) | (next & 0x3F);
    low = 0x80;
    high = 0xBF;
  }
  return {length, character, nullptr};
}

/** How many bytes at the start are ASCII: the common case, done quickly. */
size_t ascii_prefix(std::string_view text) {
  size_t i = 0;
  while (i < text.size() && byte_at(text, i) < 0x80) {
    ++i;
  }
  return i;
}

/** True for what would change the screen or hide in a message. */
bool is_unprintable(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x2028 || c == 0x2029 ||
      c == 0x061C || c == 0x200E || c == 0x200F || c == 0xFEFF ||
      (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

void append_hex(std::string& out, const char* form, unsigned value) {
  char buffer[16];
  std::snprintf(buffer, sizeof(buffer), form, value);
  out += buffer;
}

/** The printable form of the character or error that `text` begins with. */
std::string escape_one(std::string_view text, const Step& step) {
  std::string out;
  if (step.reason != nullptr) {
    for (size_t i = 0; i < step.length; ++i) {
      append_hex(out, "\\x%02x", byte_at(text, i));
    }
  } else if (!is_unprintable(step.character)) {
    out = text.substr(0, step.length);
  } else if (step.character == '\n') {
    out = "\\n";
  } else if (step.character == '\r') {
    out = "\\r";
  } else if (step.character == '\t') {
    out = "\\t";
  } else {
    append_hex(
        out,
        step.character < 0x80 ? "\\x%02x" : "\\u{%x}",
        static_cast<unsigned>(step.character));
  }
  return out;
}

} // namespace

std::optional<Utf8Error> find_utf8_error(std::string_view text) {
  size_t offset = ascii_prefix(text);
  while (offset < text.size()) {
    const Step step = read_character(text.substr(offset));
    if (step.reason != nullptr) {
      return Utf8Error{offset, step.length, step.reason};
    }
    offset += step.length;
  }
  return std::nullopt;
}

std::u32string decode_utf8(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (size_t offset = 0; offset < text.size();) {
    const Step step = read_character(text.substr(offset));
    if (step.reason != nullptr) {
      const TextPosition at = text_position(text, offset);
      throw InputError(
          "utf8",
          "expected UTF-8 text but received " + std::string(step.reason) +
              " at " + std::to_string(at.line) + ":" +
              std::to_string(at.column) + "; save the text as UTF-8.");
    }
    out += step.character;
    offset += step.length;
  }
  return out;
}

void append_utf8(std::string& out, char32_t c) {
  if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) {
    std::string name = "U+";
    append_hex(name, "%04X", static_cast<unsigned>(c));
    throw UsageError(
        "utf8", "expected a Unicode character but received " + name + ".");
  }
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3; // continuation bytes
  const unsigned lead = more == 1 ? 0xC0 : more == 2 ? 0xE0 : 0xF0;
  out += static_cast<char>(lead | (c >> (6 * more)));
  for (int i = more - 1; i >= 0; --i) {
    out += static_cast<char>(0x80 | ((c >> (6 * i)) & 0x3F));
  }
}

std::string encode_utf8(std::u32string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char32_t c : text) {
    append_utf8(out, c);
  }
  return out;
}

std::string replace_invalid_utf8(std::string_view text) {
  Utf8Stream stream;
  std::string out = stream.push(text);
  return out += stream.finish();
}

TextPosition text_position(std::string_view text, size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  TextPosition at;
  at.line += std::count(before.begin(), before.end(), '\n');
  const size_t newline = before.rfind('\n');
  const size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
  for (size_t i = begin; i < before.size(); ++i) {
    at.column += (byte_at(before, i) & 0xC0) != 0x80; // skips continuations
  }
  return at;
}

std::string escape_text(std::string_view text) {
  std::string out;
  for (size_t offset = 0; offset < text.size();) {
    const std::string_view rest = text.substr(offset);
    const Step step = read_character(rest);
    out += escape_one(rest, step);
    offset += step.length;
  }
  return out;
}

std::string quote(std::string_view text, size_t max_characters) {
  std::string out = "\"";
  size_t characters = 0;
  for (size_t offset = 0; offset < text.size(); ++characters) {
    if (characters == max_characters) {
      return out + "\"...";
    }
    const std::string_view rest = text.substr(offset);
    const Step step = read_character(rest);
    if (rest[0] == '"' || rest[0] == '\\') {
      out += '\\';
    }
    out += escape_one(rest, step);
    offset += step.length;
  }
  return out + "\"";
}

std::string Utf8Stream::push(std::string_view bytes) {
  std::string joined;
  std::string_view text = bytes;
  if (!pending_.empty()) {
    joined = pending_ + std::string(bytes);
    text = joined;
  }
  std::string out;
  std::string_view held;
  out.reserve(text.size());
  for (size_t offset = 0; offset < text.size();) {
    const Step step = read_character(text.substr(offset));
    if (step.reason == cut_short) {
      held = text.substr(offset);
      break;
    }
    out +=
        step.reason == nullptr ? text.substr(offset, step.length) : replacement;
    offset += step.length;
  }
  pending_ = std::string(held);
  return out;
}

std::string Utf8Stream::finish() {
  std::string out(pending_.empty() ? std::string_view() : replacement);
  pending_.clear();
  return out;
}

} // namespace llm
