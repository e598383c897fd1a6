// SPDX-License-Identifier: MIT
//
// The inner half of expressions: literals, names, brackets, dots, calls,
// filters and tests.

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "llm/tokenizers/jinja_expression.h"

namespace llm::jinja {
namespace {

constexpr int max_chain = 64; // dots, brackets, calls or filters in a row

} // namespace

Expr ExpressionParser::primary() {
  if (skip_sign("(")) {
    Expr out = at_sign(")") ? node(Expr::list, "") : parse(true);
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
  Expr out = node(Expr::constant, current().text);
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
      out.value = std::strtod(text.c_str(), nullptr);
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
  Expr out = node(Expr::list, "");
  while (!skip_sign("]")) {
    if (!out.args.empty()) {
      expect_sign(",");
      if (skip_sign("]")) {
        break;
      }
    }
    add(out, parse());
  }
  return out;
}

Expr ExpressionParser::dict_literal() {
  Expr out = node(Expr::dict, "");
  while (!skip_sign("}")) {
    if (!out.args.empty()) {
      expect_sign(",");
      if (skip_sign("}")) {
        break;
      }
    }
    add(out, parse());
    expect_sign(":");
    add(out, parse());
  }
  return out;
}

Expr ExpressionParser::postfix(Expr out) {
  for (int n = 0;; ++n) {
    if (n > max_chain) {
      unexpected("fewer dots, brackets and calls in a row");
    }
    if (skip_sign(".")) {
      if (current().kind == TokenKind::integer) {
        Expr number = literal_or_name();
        out = node(Expr::index, "", std::move(out), std::move(number));
      } else {
        const std::string name = expect_name();
        out = node(Expr::attribute, name, std::move(out));
      }
    } else if (skip_sign("[")) {
      out = subscript(std::move(out));
    } else if (at_sign("(")) {
      out = node(Expr::call, "", std::move(out));
      arguments(out);
    } else {
      return out;
    }
  }
}

Expr ExpressionParser::subscript(Expr base) {
  Expr absent = node(Expr::constant, "");
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
  Expr out = node(slice ? Expr::slice : Expr::index, "", std::move(base));
  for (Expr& part : parts) {
    add(out, std::move(part));
  }
  return out;
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
      deepen(call, call.named.back().second.depth);
    } else {
      add(call, parse());
    }
  }
}

Expr ExpressionParser::filters(Expr out) {
  for (int n = 0;; ++n) {
    if (n > max_chain) {
      unexpected("fewer filters and tests in a row");
    }
    if (skip_sign("|")) {
      out = node(Expr::filter, expect_name(), std::move(out));
      if (at_sign("(")) {
        arguments(out);
      }
    } else if (skip_name("is")) {
      out = test(std::move(out));
    } else if (at_sign("(")) {
      out = node(Expr::call, "", std::move(out));
      arguments(out);
    } else {
      return out;
    }
  }
}

Expr ExpressionParser::test(Expr base) {
  const bool negated = skip_name("not");
  Expr out = node(Expr::test, expect_name(), std::move(base));
  const Token& next = current();
  const bool keyword = at_name("else") || at_name("or") || at_name("and") ||
      at_name("is") || at_name("if") || at_name("in") || at_name("not");
  if (at_sign("(")) {
    arguments(out);
  } else if (
      at_sign("[") || at_sign("{") || next.kind == TokenKind::string ||
      next.kind == TokenKind::integer || next.kind == TokenKind::floating ||
      (next.kind == TokenKind::name && !keyword)) {
    add(out, postfix(primary()));
  }
  return negated ? node(Expr::unary, "not", std::move(out)) : out;
}

} // namespace llm::jinja
