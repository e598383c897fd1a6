// SPDX-License-Identifier: MIT

#include "llm/generation/output_grammar_character.h"

#include <map>
#include <string>

#include "llm/core/utf8.h"

namespace llm {

namespace {

char32_t
read_escape(std::string_view text, size_t& at, const GrammarBuilder& builder) {
  const size_t begin = at++;
  const char kind = at < text.size() ? text[at++] : ' ';
  static const std::map<char, char32_t> simple = {
      {'n', '\n'},
      {'t', '\t'},
      {'r', '\r'},
      {'\\', '\\'},
      {'"', '"'},
      {'[', '['},
      {']', ']'},
      {'-', '-'},
      {'^', '^'}};
  if (const auto it = simple.find(kind); it != simple.end()) {
    return it->second;
  }
  const size_t digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
  const std::string hex(text.substr(at, digits));
  const bool whole = digits > 0 && hex.size() == digits &&
      hex.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (!whole) {
    builder.fail(
        begin,
        "expected an escape of \\n \\t \\r \\\\ \\\" \\[ \\] \\- \\^ \\xHH "
        "\\uHHHH \\UHHHHHHHH");
  }
  at += digits;
  const auto value = static_cast<char32_t>(std::stoul(hex, nullptr, 16));
  if (value > last_character || (value >= 0xD800 && value <= 0xDFFF)) {
    builder.fail(begin, "this is the number of no character");
  }
  return value;
}

} // namespace

char32_t read_grammar_character(
    std::string_view text,
    size_t& at,
    const GrammarBuilder& builder) {
  if (at >= text.size()) {
    builder.fail(at, "expected a character but the grammar ends");
  }
  if (text[at] == '\\') {
    return read_escape(text, at, builder);
  }
  const unsigned char c = text[at];
  const size_t length = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
  const std::string_view bytes = text.substr(at, length);
  at += length;
  return decode_utf8(bytes).at(0);
}

} // namespace llm
