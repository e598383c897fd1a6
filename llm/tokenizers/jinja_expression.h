// SPDX-License-Identifier: MIT
//
// Reads expressions, by recursive descent with Jinja's precedences.

#pragma once

#include "llm/tokenizers/jinja_ast.h"
#include "llm/tokenizers/jinja_lexer.h"

namespace llm::jinja {

class ExpressionParser {
 public:
  explicit ExpressionParser(const std::vector<Token>& tokens)
      : tokens_(tokens) {}

  /** An expression; a, b is a tuple when `tuple`. */
  Expr parse(bool tuple = false);
  /** An expression in which `if` is not a condition: `for x in y if z`. */
  Expr parse_without_condition();

  const Token& current() const {
    return tokens_[at_];
  }
  bool is(TokenKind kind, std::string_view text) const {
    return current().kind == kind && current().text == text;
  }
  bool at_sign(std::string_view text) const {
    return is(TokenKind::sign, text);
  }
  bool at_name(std::string_view text) const {
    return is(TokenKind::name, text);
  }
  bool skip_sign(std::string_view text);
  bool skip_name(std::string_view text);
  void expect_sign(std::string_view text);
  std::string expect_name();
  void expect_end();
  [[noreturn]] void unexpected(const std::string& wanted) const;

 private:
  using Rule = Expr (ExpressionParser::*)();
  /// A node over `children`; each deepens it.
  template <class... Children>
  Expr node(Expr::Kind kind, std::string text, Children... children) const {
    Expr expr;
    expr.kind = kind;
    expr.line = current().line;
    expr.text = std::move(text);
    (add(expr, std::move(children)), ...);
    return expr;
  }
  void add(Expr& parent, Expr child) const;
  void deepen(Expr& parent, int depth) const;
  Expr left_to_right(Rule operand, std::initializer_list<const char*> signs);
  Expr condition();
  Expr either();
  Expr both();
  Expr negation();
  Expr comparison();
  Expr sum();
  Expr joining();
  Expr product();
  Expr power();
  Expr filtered_unary();
  Expr unary(bool filters);
  Expr primary();
  Expr literal_or_name();
  Expr list_literal();
  Expr dict_literal();
  Expr postfix(Expr base);
  Expr subscript(Expr base);
  Expr filters(Expr base);
  Expr test(Expr base);
  void arguments(Expr& call);
  void advance();

  const std::vector<Token>& tokens_;
  size_t at_ = 0;
  int depth_ = 0; // of nested expressions
};

} // namespace llm::jinja
