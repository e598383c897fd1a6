// SPDX-License-Identifier: MIT

#include "llm/tokenizers/jinja_lexer.h"

#include <algorithm>

#include "llm/core/error.h"
#include "llm/core/utf8.h"

namespace llm::jinja {
namespace {

constexpr size_t max_template = size_t{1} << 20; // bytes

/// One kind of newline, and none at the very end.
std::string with_newlines(std::string_view source) {
  std::string out;
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] == '\r') {
      i += i + 1 < source.size() && source[i + 1] == '\n' ? 1 : 0;
      out += '\n';
    } else {
      out += source[i];
    }
  }
  if (out.ends_with('\n')) {
    out.pop_back();
  }
  return out;
}

size_t skip_space(std::string_view text, size_t at) {
  while (at < text.size()) {
    size_t next = at;
    if (!is_space(next_code_point(text, next))) {
      break;
    }
    at = next;
  }
  return at;
}

/// The length of `text` without the white space at its end.
size_t stripped_size(std::string_view text) {
  size_t end = text.size();
  while (end > 0) {
    size_t begin = end - 1;
    while (begin > 0 && (text[begin] & 0xc0) == 0x80) {
      --begin;
    }
    size_t at = begin;
    if (!is_space(next_code_point(text, at))) {
      break;
    }
    end = begin;
  }
  return end;
}

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(with_newlines(source)) {}

  std::vector<Piece> run() {
    while (at_ < source_.size()) {
      const size_t tag = next_tag();
      add_text(tag);
      if (tag == source_.size()) {
        break;
      }
      at_ = tag + 2;
      const char kind = source_[tag + 1];
      if (sign() == '-' || sign() == '+') {
        ++at_;
      }
      if (kind == '#') {
        skip_comment(tag);
      } else {
        add_tokens(kind == '{');
      }
    }
    return std::move(pieces_);
  }

 private:
  std::string_view rest() const {
    return std::string_view(source_).substr(at_);
  }
  char sign() const {
    return at_ < source_.size() ? source_[at_] : '\0';
  }
  size_t line_at(size_t at) {
    for (; counted_ < at; ++counted_) {
      line_ += source_[counted_] == '\n' ? 1 : 0;
    }
    return line_;
  }

  size_t next_tag() const {
    size_t tag = source_.find('{', at_);
    while (tag < source_.size()) {
      const char next = tag + 1 < source_.size() ? source_[tag + 1] : '\0';
      if (next == '{' || next == '%' || next == '#') {
        return tag;
      }
      tag = source_.find('{', tag + 1);
    }
    return source_.size();
  }

  /// The text before a tag (or the end), with its end stripped.
  void add_text(size_t tag) {
    std::string_view text = rest().substr(0, tag - at_);
    if (tag < source_.size()) {
      const char kind = source_[tag + 1];
      const char mark = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
      if (mark == '-') {
        text = text.substr(0, stripped_size(text));
      } else if (mark != '+' && kind != '{') {
        const size_t newline = text.rfind('\n');
        const size_t begin = newline == text.npos ? 0 : newline + 1;
        if ((begin > 0 || line_starts_) && begin < text.size() &&
            skip_space(text, begin) == text.size()) {
          text = text.substr(0, begin);
        }
      }
    }
    if (!text.empty()) {
      pieces_.push_back({Piece::text, std::string(text), {}, line_at(at_)});
    }
  }

  /// Behind the end of a tag: removes what its sign wants.
  void finish_tag(char mark, bool trims_newline) {
    const size_t end = at_;
    if (mark == '-') {
      at_ = skip_space(source_, at_);
    } else if (mark != '+' && trims_newline && sign() == '\n') {
      ++at_;
    }
    line_starts_ = at_ > end && source_[at_ - 1] == '\n';
  }

  void skip_comment(size_t tag) {
    const size_t end = source_.find("#}", at_);
    if (end == source_.npos) {
      fail(line_at(tag), "expected #} at the end of the comment.");
    }
    const char mark = end > at_ ? source_[end - 1] : '\0';
    at_ = end + 2;
    finish_tag(mark, true);
  }

  void add_tokens(bool expression) {
    Piece piece;
    piece.kind = expression ? Piece::expression : Piece::statement;
    piece.line = line_at(at_);
    const std::string_view close = expression ? "}}" : "%}";
    int open = 0; // brackets
    for (;;) {
      at_ = skip_space(source_, at_);
      const char mark = sign();
      const bool signed_close = (mark == '-' || (mark == '+' && !expression)) &&
          rest().substr(1).starts_with(close);
      if (open == 0 && (signed_close || rest().starts_with(close))) {
        at_ += signed_close ? 3 : 2;
        finish_tag(signed_close ? mark : '\0', !expression);
        break;
      }
      if (at_ >= source_.size()) {
        fail(piece.line, "expected " + std::string(close) + " at the end.");
      }
      piece.tokens.push_back(read_token(source_, at_, line_at(at_)));
      const Token& token = piece.tokens.back();
      if (token.kind == TokenKind::sign) {
        open += std::string_view("([{").find(token.text) != std::string::npos;
        open -= std::string_view(")]}").find(token.text) != std::string::npos;
      }
    }
    piece.tokens.push_back({TokenKind::end, "", line_at(at_)});
    pieces_.push_back(std::move(piece));
  }

  std::string source_;
  size_t at_ = 0;
  bool line_starts_ = true;
  size_t counted_ = 0; // bytes whose newlines are in line_
  size_t line_ = 1;
  std::vector<Piece> pieces_;
};

} // namespace

void fail(size_t line, const std::string& message) {
  throw InputError(
      "chat template", "line " + std::to_string(line) + ": " + message);
}

bool is_space(char32_t c) {
  return (c >= 9 && c <= 13) || (c >= 28 && c <= 32) || c == 0x85 ||
      c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
      c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

std::vector<Piece> cut(std::string_view source) {
  if (source.size() > max_template) {
    fail(1, "expected at most 1 MiB of template.");
  }
  if (find_utf8_error(source)) {
    fail(1, "expected UTF-8.");
  }
  return Lexer(source).run();
}

} // namespace llm::jinja
