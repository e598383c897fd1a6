// SPDX-License-Identifier: MIT

#include "llm/tokenizers/jinja_expression.h"

#include <charconv>

#include "llm/core/utf8.h"

namespace llm::jinja {
namespace {

constexpr int max_nesting = 64;

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

Expr ExpressionParser::node(
    Expr::Kind kind,
    std::string text,
    std::vector<Expr> args) const {
  Expr expr;
  expr.kind = kind;
  expr.line = current().line;
  expr.text = std::move(text);
  expr.args = std::move(args);
  return expr;
}

Expr ExpressionParser::parse(bool tuple) {
  Expr first = condition();
  if (!tuple || !at_sign(",")) {
    return first;
  }
  Expr out = node(Expr::list, "", {std::move(first)});
  while (skip_sign(",")) {
    if (at_sign(")") || current().kind == TokenKind::end) {
      break;
    }
    out.args.push_back(condition());
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
    Expr other = node(Expr::constant, "", {});
    if (skip_name("else")) {
      other = condition();
    }
    out = node(
        Expr::condition,
        "",
        {std::move(out), std::move(test), std::move(other)});
  }
  return out;
}

Expr ExpressionParser::either() {
  Expr out = both();
  while (skip_name("or")) {
    out = node(Expr::binary, "or", {std::move(out), both()});
  }
  return out;
}

Expr ExpressionParser::both() {
  Expr out = negation();
  while (skip_name("and")) {
    out = node(Expr::binary, "and", {std::move(out), negation()});
  }
  return out;
}

Expr ExpressionParser::negation() {
  if (!at_name("not")) {
    return comparison();
  }
  const Nested nested(depth_, current().line);
  advance();
  return node(Expr::unary, "not", {negation()});
}

Expr ExpressionParser::comparison() {
  Expr out = node(Expr::compare, "", {});
  out.args.push_back(sum());
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
    out.args.push_back(sum());
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
    out = node(Expr::binary, found, {std::move(out), (this->*operand)()});
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
    out = node(Expr::unary, sign, {unary(false)});
  } else {
    out = primary();
  }
  out = postfix(std::move(out));
  return with_filters ? filters(std::move(out)) : out;
}

Expr ExpressionParser::primary() {
  if (skip_sign("(")) {
    Expr out = at_sign(")") ? node(Expr::list, "", {}) : parse(true);
    expect_sign(")");
    return out;
  }
  if (skip_sign("[")) {
    return list_literal();
  }
  if (skip_sign("{")) {
    return dict_literal();
  }
  return literal_or_name();
}

Expr ExpressionParser::literal_or_name() {
  Expr out = node(Expr::constant, current().text, {});
  const std::string text = current().text;
  switch (current().kind) {
    case TokenKind::string: {
      std::string joined;
      while (current().kind == TokenKind::string) {
        joined += current().text;
        advance();
      }
      out.value = joined;
      return out;
    }
    case TokenKind::integer: {
      int64_t number = 0;
      const auto end = text.data() + text.size();
      if (std::from_chars(text.data(), end, number).ptr != end ||
          text.size() > 18) {
        unexpected("a number of at most 18 digits");
      }
      out.value = number;
      break;
    }
    case TokenKind::floating:
      out.value = Json::parse(text).get<double>();
      break;
    case TokenKind::name:
      if (text == "true" || text == "True") {
        out.value = true;
      } else if (text == "false" || text == "False") {
        out.value = false;
      } else if (text == "none" || text == "None") {
        out.value = None{};
      } else {
        out.kind = Expr::name;
      }
      break;
    default:
      unexpected("an expression");
  }
  advance();
  return out;
}

Expr ExpressionParser::list_literal() {
  Expr out = node(Expr::list, "", {});
  while (!skip_sign("]")) {
    if (!out.args.empty()) {
      expect_sign(",");
      if (skip_sign("]")) {
        break;
      }
    }
    out.args.push_back(parse());
  }
  return out;
}

Expr ExpressionParser::dict_literal() {
  Expr out = node(Expr::dict, "", {});
  while (!skip_sign("}")) {
    if (!out.args.empty()) {
      expect_sign(",");
      if (skip_sign("}")) {
        break;
      }
    }
    out.args.push_back(parse());
    expect_sign(":");
    out.args.push_back(parse());
  }
  return out;
}

Expr ExpressionParser::postfix(Expr out) {
  for (int n = 0;; ++n) {
    if (n > max_nesting) {
      unexpected("fewer dots, brackets and calls in a row");
    }
    if (skip_sign(".")) {
      if (current().kind == TokenKind::integer) {
        Expr number = literal_or_name();
        out = node(Expr::index, "", {std::move(out), std::move(number)});
      } else {
        const std::string name = expect_name();
        out = node(Expr::attribute, name, {std::move(out)});
      }
    } else if (skip_sign("[")) {
      out = subscript(std::move(out));
    } else if (at_sign("(")) {
      out = node(Expr::call, "", {std::move(out)});
      arguments(out);
    } else {
      return out;
    }
  }
}

Expr ExpressionParser::subscript(Expr base) {
  Expr absent = node(Expr::constant, "", {});
  absent.value = None{};
  std::vector<Expr> parts(1, absent); // between the colons
  bool slice = false;
  while (!skip_sign("]")) {
    if (skip_sign(":")) {
      slice = true;
      parts.push_back(absent);
    } else {
      parts.back() = parse(true);
      if (!at_sign(":") && !at_sign("]")) {
        unexpected("\"]\"");
      }
    }
  }
  if (parts.size() > 3) {
    unexpected("at most two colons");
  }
  parts.resize(slice ? 3 : 1, absent);
  parts.insert(parts.begin(), std::move(base));
  return node(slice ? Expr::slice : Expr::index, "", std::move(parts));
}

void ExpressionParser::arguments(Expr& call) {
  expect_sign("(");
  for (bool first = true; !skip_sign(")"); first = false) {
    if (!first) {
      expect_sign(",");
      if (skip_sign(")")) {
        return;
      }
    }
    const Token& next = tokens_[std::min(at_ + 1, tokens_.size() - 1)];
    const bool named = current().kind == TokenKind::name &&
        next.kind == TokenKind::sign && next.text == "=";
    if (named) {
      const std::string name = expect_name();
      expect_sign("=");
      call.named.emplace_back(name, parse());
    } else {
      call.args.push_back(parse());
    }
  }
}

Expr ExpressionParser::filters(Expr out) {
  for (int n = 0;; ++n) {
    if (n > max_nesting) {
      unexpected("fewer filters and tests in a row");
    }
    if (skip_sign("|")) {
      out = node(Expr::filter, expect_name(), {std::move(out)});
      if (at_sign("(")) {
        arguments(out);
      }
    } else if (skip_name("is")) {
      out = test(std::move(out));
    } else if (at_sign("(")) {
      out = node(Expr::call, "", {std::move(out)});
      arguments(out);
    } else {
      return out;
    }
  }
}

Expr ExpressionParser::test(Expr base) {
  const bool negated = skip_name("not");
  Expr out = node(Expr::test, expect_name(), {std::move(base)});
  const Token& next = current();
  const bool keyword = at_name("else") || at_name("or") || at_name("and") ||
      at_name("is") || at_name("if") || at_name("in") || at_name("not");
  if (at_sign("(")) {
    arguments(out);
  } else if (
      at_sign("[") || at_sign("{") || next.kind == TokenKind::string ||
      next.kind == TokenKind::integer || next.kind == TokenKind::floating ||
      (next.kind == TokenKind::name && !keyword)) {
    out.args.push_back(postfix(primary()));
  }
  return negated ? node(Expr::unary, "not", {std::move(out)}) : out;
}

} // namespace llm::jinja
