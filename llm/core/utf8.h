// SPDX-License-Identifier: MIT
//
// UTF-8 as CPython's strict decoder reads it: the same texts are accepted, and
// an error has the same place, length and reason, so that a message here can be
// compared with a message of Python. An error covers the "maximal invalid
// subpart" (Unicode standard, section 3.9, table 3-7): overlong forms,
// surrogates and code points over U+10FFFF are errors.

#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace llm {

/** The first invalid place of a text, as in Python's UnicodeDecodeError. */
struct Utf8Error {
  size_t offset = 0;  ///< bytes before the error
  size_t length = 0;  ///< bytes that the error covers, 1 to 3
  std::string reason; ///< "invalid start byte", "invalid continuation byte"
                      ///< or "unexpected end of data"
};

/** The first error in `text`, or nothing when it is valid UTF-8. */
std::optional<Utf8Error> find_utf8_error(std::string_view text);

/** The code points of `text`; InputError names line:column when invalid. */
std::u32string decode_utf8(std::string_view text);

/**
 * The code point at byte `at` of a valid text, at < text.size(); `at` moves
 * behind it. (For loops over texts that find_utf8_error has seen.)
 */
inline char32_t next_code_point(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) -> char32_t {
    return static_cast<unsigned char>(i < text.size() ? text[i] : 0x80);
  };
  const char32_t first = byte(at++);
  if (first < 0x80) {
    return first;
  }
  const int more = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
  char32_t c = first & (0x3fu >> more);
  for (int i = 0; i < more; ++i) {
    c = (c << 6) | (byte(at++) & 0x3f);
  }
  return c;
}

/** Appends one code point; UsageError for surrogates and > U+10FFFF. */
void append_utf8(std::string& out, char32_t character);

/** The UTF-8 form of code points; errors as append_utf8. */
std::string encode_utf8(std::u32string_view text);

/** Each error becomes one U+FFFD, as bytes.decode(errors="replace") does. */
std::string replace_invalid_utf8(std::string_view text);

/** A place in a text as editors count it, both from 1. */
struct TextPosition {
  size_t line = 1;   ///< lines end with "\n"
  size_t column = 1; ///< in characters, not bytes
};

/** The line and column of the byte at `offset` (at most text.size()). */
TextPosition text_position(std::string_view text, size_t offset);

/**
 * One printable line: control characters, U+2028/U+2029, direction marks and
 * invalid bytes become \n, \t, \x1b or \u{202e}; a backslash stays one.
 */
std::string escape_text(std::string_view text);

/**
 * `text` between double quotes for a message, escaped (quotes and backslashes
 * too) and cut with "..." after `max_characters` characters.
 */
std::string quote(std::string_view text, size_t max_characters = 60);

/** A decoder for bytes that arrive in pieces (tokens, network). */
class Utf8Stream {
 public:
  /**
   * Takes more bytes and returns the characters that are now complete. The
   * start of an incomplete character is held back; an invalid sequence becomes
   * U+FFFD, exactly as CPython's incremental decoder with errors="replace".
   */
  std::string push(std::string_view bytes);

  /** Ends the text: U+FFFD for a character that was held back, else "". */
  std::string finish();

  /** The bytes held back, 0 to 3 of them. */
  std::string_view pending() const {
    return pending_;
  }

 private:
  std::string pending_;
};

} // namespace llm
