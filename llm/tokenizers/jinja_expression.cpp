// SPDX-License-Identifier: MIT

#include "llm/tokenizers/jinja_expression.h"

#include <algorithm>

#include "llm/core/utf8.h"

namespace llm::jinja {
namespace {

constexpr int max_nesting = 64; // of brackets: recursion while reading
constexpr int max_tree = 150;   // recursion while evaluating

/// Counts how deep the recursion is, while it lives.
class Nested {
 public:
  Nested(int& depth, size_t line) : depth_(depth) {
    if (++depth_ > max_nesting) {
      fail(line, "an expression is nested too deep.");
    }
  }
  ~Nested() {
    --depth_;
  }
  Nested(const Nested&) = delete;
  Nested& operator=(const Nested&) = delete;

 private:
  int& depth_;
};

} // namespace

void ExpressionParser::advance() {
  if (at_ + 1 < tokens_.size()) {
    ++at_;
  }
}

bool ExpressionParser::skip_sign(std::string_view text) {
  const bool found = at_sign(text);
  if (found) {
    advance();
  }
  return found;
}

bool ExpressionParser::skip_name(std::string_view text) {
  const bool found = at_name(text);
  if (found) {
    advance();
  }
  return found;
}

void ExpressionParser::unexpected(const std::string& wanted) const {
  const Token& token = current();
  fail(
      token.line,
      "expected " + wanted + " but received " +
          (token.kind == TokenKind::end ? "the end" : quote(token.text)) + ".");
}

void ExpressionParser::expect_sign(std::string_view text) {
  if (!skip_sign(text)) {
    unexpected(quote(text));
  }
}

std::string ExpressionParser::expect_name() {
  if (current().kind != TokenKind::name) {
    unexpected("a name");
  }
  const std::string name = current().text;
  advance();
  return name;
}

void ExpressionParser::expect_end() {
  if (current().kind != TokenKind::end) {
    unexpected("the end");
  }
}

void ExpressionParser::add(Expr& parent, Expr child) const {
  deepen(parent, child.depth);
  parent.args.push_back(std::move(child));
}

void ExpressionParser::deepen(Expr& parent, int depth) const {
  parent.depth = std::max(parent.depth, depth + 1);
  if (parent.depth > max_tree) {
    fail(current().line, "an expression has too many parts in a row.");
  }
}

Expr ExpressionParser::parse(bool tuple) {
  Expr first = condition();
  if (!tuple || !at_sign(",")) {
    return first;
  }
  Expr out = node(Expr::list, "", std::move(first));
  while (skip_sign(",")) {
    if (at_sign(")") || current().kind == TokenKind::end) {
      break;
    }
    add(out, condition());
  }
  return out;
}

Expr ExpressionParser::parse_without_condition() {
  return either();
}

Expr ExpressionParser::condition() {
  const Nested nested(depth_, current().line);
  Expr out = either();
  while (skip_name("if")) {
    Expr test = either();
    Expr other = node(Expr::constant, "");
    if (skip_name("else")) {
      other = condition();
    }
    out = node(
        Expr::condition, "", std::move(out), std::move(test), std::move(other));
  }
  return out;
}

Expr ExpressionParser::either() {
  Expr out = both();
  while (skip_name("or")) {
    out = node(Expr::binary, "or", std::move(out), both());
  }
  return out;
}

Expr ExpressionParser::both() {
  Expr out = negation();
  while (skip_name("and")) {
    out = node(Expr::binary, "and", std::move(out), negation());
  }
  return out;
}

Expr ExpressionParser::negation() {
  if (!at_name("not")) {
    return comparison();
  }
  const Nested nested(depth_, current().line);
  advance();
  return node(Expr::unary, "not", negation());
}

Expr ExpressionParser::comparison() {
  Expr out = node(Expr::compare, "");
  add(out, sum());
  for (;;) {
    std::string found;
    for (const char* sign : {"==", "!=", "<", "<=", ">", ">="}) {
      found = found.empty() && skip_sign(sign) ? sign : found;
    }
    if (found.empty() && skip_name("in")) {
      found = "in";
    } else if (
        found.empty() && at_name("not") &&
        tokens_[at_ + 1].kind == TokenKind::name &&
        tokens_[at_ + 1].text == "in") {
      advance();
      advance();
      found = "not in";
    }
    if (found.empty()) {
      break;
    }
    out.operators.push_back(found);
    add(out, sum());
  }
  if (out.operators.empty()) {
    Expr only = std::move(out.args[0]);
    return only;
  }
  return out;
}

Expr ExpressionParser::left_to_right(
    Rule operand,
    std::initializer_list<const char*> signs) {
  Expr out = (this->*operand)();
  for (;;) {
    std::string found;
    for (const char* sign : signs) {
      found = found.empty() && skip_sign(sign) ? sign : found;
    }
    if (found.empty()) {
      return out;
    }
    out = node(Expr::binary, found, std::move(out), (this->*operand)());
  }
}

Expr ExpressionParser::sum() {
  return left_to_right(&ExpressionParser::joining, {"+", "-"});
}

Expr ExpressionParser::joining() {
  return left_to_right(&ExpressionParser::product, {"~"});
}

Expr ExpressionParser::product() {
  return left_to_right(&ExpressionParser::power, {"*", "//", "/", "%"});
}

Expr ExpressionParser::power() {
  return left_to_right(&ExpressionParser::filtered_unary, {"**"});
}

Expr ExpressionParser::filtered_unary() {
  return unary(true);
}

Expr ExpressionParser::unary(bool with_filters) {
  const Nested nested(depth_, current().line);
  Expr out;
  if (at_sign("-") || at_sign("+")) {
    const std::string sign = current().text;
    advance();
    out = node(Expr::unary, sign, unary(false));
  } else {
    out = primary();
  }
  out = postfix(std::move(out));
  return with_filters ? filters(std::move(out)) : out;
}

} // namespace llm::jinja
