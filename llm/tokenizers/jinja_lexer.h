// SPDX-License-Identifier: MIT
//
// Cuts a Jinja template into text, {{ expressions }} and {% statements %}, with
// white space removed as Jinja does with trim_blocks and lstrip_blocks (which
// transformers sets): the newline behind a statement goes, and so does the
// indentation before it; "-" at a delimiter takes all white space on its side.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace llm::jinja {

enum class TokenKind { name, string, integer, floating, sign, end };

struct Token {
  TokenKind kind = TokenKind::end;
  std::string text; ///< of a string: its content
  size_t line = 1;
};

struct Piece {
  enum Kind { text, expression, statement } kind = text;
  std::string data;          ///< of a text
  std::vector<Token> tokens; ///< of the others; the last one is an end
  size_t line = 1;
};

/** Throws InputError "[chat template] line 3: ...". */
[[noreturn]] void fail(size_t line, const std::string& message);

/** The pieces of `source` (UTF-8), in order. */
std::vector<Piece> cut(std::string_view source);

/** The token at byte `at` of `source`, which moves behind it. */
Token read_token(const std::string& source, size_t& at, size_t line);

/** str.isspace() of Python, for one character. */
bool is_space(char32_t c);

} // namespace llm::jinja
