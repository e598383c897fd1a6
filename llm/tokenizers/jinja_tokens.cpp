// SPDX-License-Identifier: MIT
//
// One token of an expression: a name, a number, a string or a sign.

#include "llm/core/utf8.h"
#include "llm/tokenizers/jinja_lexer.h"

namespace llm::jinja {
namespace {

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

class TokenReader {
 public:
  TokenReader(const std::string& source, size_t& at)
      : source_(source), at_(at) {}

  Token run(size_t line) {
    Token token;
    token.line = line;
    const char c = source_[at_];
    if (is_name_start(c)) {
      token.kind = TokenKind::name;
      take_while(token, [](char x) { return is_name_start(x) || is_digit(x); });
    } else if (is_digit(c)) {
      take_number(token);
    } else if (c == '\'' || c == '"') {
      take_string(token);
    } else {
      take_sign(token);
    }
    return token;
  }

 private:
  std::string_view rest() const {
    return std::string_view(source_).substr(at_);
  }
  char sign() const {
    return sign_at(at_);
  }

  template <class Predicate>
  void take_while(Token& token, Predicate wanted) {
    while (at_ < source_.size() && wanted(source_[at_])) {
      token.text += source_[at_++];
    }
  }

  void take_number(Token& token) {
    token.kind = TokenKind::integer;
    take_while(token, is_digit);
    const auto digit_at = [&](size_t i) {
      return at_ + i < source_.size() && is_digit(source_[at_ + i]);
    };
    if (sign() == '.' && digit_at(1)) {
      token.kind = TokenKind::floating;
      token.text += source_[at_++];
      take_while(token, is_digit);
    }
    if (sign() == 'e' || sign() == 'E') {
      const bool has_sign = at_ + 1 < source_.size() &&
          (source_[at_ + 1] == '-' || source_[at_ + 1] == '+');
      if (digit_at(has_sign ? 2 : 1)) {
        token.kind = TokenKind::floating;
        token.text += source_.substr(at_, has_sign ? 2 : 1);
        at_ += has_sign ? 2 : 1;
        take_while(token, is_digit);
      }
    }
  }

  void take_string(Token& token) {
    token.kind = TokenKind::string;
    const char quote = source_[at_++];
    while (sign() != quote) {
      if (at_ >= source_.size()) {
        fail(token.line, "expected the end of a string.");
      }
      if (source_[at_] != '\\' || at_ + 1 >= source_.size()) {
        token.text += source_[at_++];
        continue;
      }
      take_escape(token);
    }
    ++at_;
  }

  void take_escape(Token& token) {
    const char c = source_[at_ + 1];
    constexpr std::string_view names = "ntrabfv\\'\"\n";
    constexpr std::string_view means = "\n\t\r\a\b\f\v\\'\"";
    const size_t known = names.find(c);
    const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (digits > 0) {
      char32_t point = 0;
      for (size_t i = 0; i < digits; ++i) {
        const size_t digit = std::string_view("0123456789abcdefABCDEF")
                                 .find(sign_at(at_ + 2 + i));
        if (digit == std::string_view::npos || point > 0x10ffff) {
          fail(
              token.line, "a \\" + std::string(1, c) + " escape is not valid.");
        }
        point =
            point * 16 + static_cast<char32_t>(digit - (digit > 15 ? 6 : 0));
      }
      if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) {
        fail(token.line, "an escape is no character.");
      }
      append_utf8(token.text, point);
      at_ += 2 + digits;
      return;
    }
    if (known == names.npos) {
      token.text += '\\'; // Python keeps what it does not know
      ++at_;
      return;
    }
    if (known < means.size()) { // a newline behind a backslash is nothing
      token.text += means[known];
    }
    at_ += 2;
  }

  char sign_at(size_t at) const {
    return at < source_.size() ? source_[at] : '\0';
  }

  void take_sign(Token& token) {
    token.kind = TokenKind::sign;
    for (std::string_view two : {"//", "**", "==", "!=", "<=", ">="}) {
      if (rest().starts_with(two)) {
        token.text = two;
        at_ += 2;
        return;
      }
    }
    if (std::string_view("+-*/%~|()[]{},:.=<>").find(source_[at_]) ==
        std::string_view::npos) {
      fail(
          token.line,
          "unexpected " + quote(rest().substr(0, 1)) + " in a template.");
    }
    token.text = source_[at_++];
  }

  const std::string& source_;
  size_t& at_;
};

} // namespace

Token read_token(const std::string& source, size_t& at, size_t line) {
  return TokenReader(source, at).run(line);
}

} // namespace llm::jinja
