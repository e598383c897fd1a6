// SPDX-License-Identifier: MIT
//
// The interpreter's expressions.

#include <algorithm>

#include "llm/core/utf8.h"
#include "llm/tokenizers/jinja_interpreter.h"
#include "llm/tokenizers/jinja_lexer.h"

namespace llm::jinja {

Value Interpreter::lookup(const std::string& name, const Scope& scope) const {
  for (const Scope* at = &scope; at; at = at->parent) {
    const auto known = at->variables.find(name);
    if (known != at->variables.end()) {
      return known->second;
    }
  }
  return Undefined{name};
}

Arguments Interpreter::arguments(const Expr& expr, size_t from, Scope& scope) {
  Arguments out;
  for (size_t i = from; i < expr.args.size(); ++i) {
    out.values.push_back(evaluate(expr.args[i], scope));
  }
  for (const auto& [name, value] : expr.named) {
    out.named.emplace_back(name, evaluate(value, scope));
  }
  return out;
}

Value Interpreter::evaluate(const Expr& expr, Scope& scope) {
  try {
    budget_.spend(1);
    return evaluate_kind(expr, scope);
  } catch (const std::invalid_argument& error) {
    fail(expr.line, error.what());
  }
}

Value Interpreter::evaluate_kind(const Expr& expr, Scope& scope) {
  const auto arg = [&](size_t i) { return evaluate(expr.args[i], scope); };
  switch (expr.kind) {
    case Expr::constant:
      return expr.value;
    case Expr::name:
      return lookup(expr.text, scope);
    case Expr::list:
      return Value::list(arguments(expr, 0, scope).values);
    case Expr::dict:
      return dict(expr, scope);
    case Expr::attribute:
      return attribute_of(arg(0), expr.text, budget_);
    case Expr::index:
      return item_of(arg(0), arg(1), budget_);
    case Expr::slice:
      return slice_of(arg(0), arg(1), arg(2), arg(3), budget_);
    case Expr::call:
      return call(expr, scope);
    case Expr::filter:
      return apply_filter(expr.text, arguments(expr, 0, scope), budget_);
    case Expr::test:
      return apply_test(expr.text, arguments(expr, 0, scope), budget_);
    case Expr::unary:
      return unary(expr.text, arg(0));
    case Expr::binary: {
      const Value left = arg(0);
      if (expr.text == "and" || expr.text == "or") {
        return left.truth() == (expr.text == "or") ? left : arg(1);
      }
      return binary(expr.text, left, arg(1), budget_);
    }
    case Expr::compare:
      return compare_all(expr, scope);
    case Expr::condition:
      return arg(1).truth() ? arg(0) : arg(2);
  }
  return {};
}

Value Interpreter::dict(const Expr& expr, Scope& scope) {
  Members members;
  for (size_t i = 0; i + 1 < expr.args.size(); i += 2) {
    const Value key = evaluate(expr.args[i], scope);
    const std::string& name = text_of(&key);
    Value value = evaluate(expr.args[i + 1], scope);
    const auto known =
        std::find_if(members.begin(), members.end(), [&](const auto& member) {
          return member.first == name;
        });
    if (known != members.end()) {
      known->second = std::move(value);
    } else {
      members.emplace_back(name, std::move(value));
    }
  }
  return Value::dict(std::move(members));
}

Value Interpreter::compare_all(const Expr& expr, Scope& scope) {
  Value left = evaluate(expr.args[0], scope);
  for (size_t i = 0; i < expr.operators.size(); ++i) {
    Value right = evaluate(expr.args[i + 1], scope);
    if (!holds(expr.operators[i], left, right, budget_)) {
      return false;
    }
    left = std::move(right);
  }
  return true;
}

Value Interpreter::call(const Expr& expr, Scope& scope) {
  const Expr& callee = expr.args[0];
  Value function;
  if (callee.kind == Expr::attribute) {
    const Value object = evaluate(callee.args[0], scope);
    if (has_method(object, callee.text)) {
      const Arguments given = arguments(expr, 1, scope);
      return call_method(object, callee.text, given, budget_);
    }
    function = attribute_of(object, callee.text, budget_);
  } else {
    function = evaluate(callee, scope);
  }
  const auto* known = function.as<std::shared_ptr<const Function>>();
  if (!known) {
    const std::string name =
        callee.text.empty() ? function.type() : callee.text;
    throw std::invalid_argument(quote(name) + " cannot be called.");
  }
  return (**known)(arguments(expr, 1, scope));
}

} // namespace llm::jinja
