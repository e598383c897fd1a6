// SPDX-License-Identifier: MIT

#include "llm/tokenizers/jinja_interpreter.h"

#include <algorithm>

#include "llm/core/utf8.h"
#include "llm/tokenizers/jinja_lexer.h"

namespace llm::jinja {
namespace {

constexpr int max_macro_depth = 20;
constexpr int64_t max_range = 100'000; // as Jinja's sandbox

Value range(const Arguments& a, Budget& budget) {
  const auto at = [&](size_t i) { return integer_or(a.get(i, ""), 0); };
  const bool one = a.values.size() < 2;
  const int64_t begin = one ? 0 : at(0);
  const int64_t end = at(one ? 0 : 1);
  const int64_t step = a.values.size() > 2 ? at(2) : 1;
  Values out;
  for (int64_t i = begin; step > 0 ? i < end : step < 0 && i > end;) {
    if (static_cast<int64_t>(out.size()) >= max_range) {
      throw std::invalid_argument("range is longer than 100000.");
    }
    out.emplace_back(i);
    if (step > 0 ? i > INT64_MAX - step : i < INT64_MIN - step) {
      break;
    }
    i += step;
  }
  budget.spend(out.size());
  return Value::list(std::move(out));
}

/// What `loop` is in round i of n.
Value loop_value(const Values& items, size_t i) {
  const auto n = static_cast<int64_t>(items.size());
  const auto at = static_cast<int64_t>(i);
  return Value::dict(
      {{"index", at + 1},
       {"index0", at},
       {"first", i == 0},
       {"last", at == n - 1},
       {"length", n},
       {"revindex", n - at},
       {"revindex0", n - at - 1},
       {"previtem", i > 0 ? items[i - 1] : Value(Undefined{"previtem"})},
       {"nextitem", at + 1 < n ? items[i + 1] : Value(Undefined{"nextitem"})}});
}

} // namespace

Interpreter::Interpreter(const Limits& limits)
    : limits_(limits), budget_(limits.steps) {
  define("namespace", Value::function([this](const Arguments& a) -> Value {
           Namespace& space = namespaces_.emplace_back();
           for (const auto& [name, value] : a.named) {
             space.members.insert_or_assign(name, value);
           }
           return &space;
         }));
  define("dict", Value::function([](const Arguments& a) -> Value {
           return Value::dict(a.named);
         }));
  define("range", Value::function([this](const Arguments& a) -> Value {
           return range(a, budget_);
         }));
}

void Interpreter::define(const std::string& name, Value value) {
  globals_.variables.insert_or_assign(name, std::move(value));
}

std::string Interpreter::run(const std::vector<Stmt>& statements) {
  std::string out;
  run(statements, globals_, out);
  return out;
}

void Interpreter::write(const std::string& text, std::string& out) {
  written_ += text.size();
  if (written_ > limits_.output) {
    throw std::invalid_argument(
        "the template writes more than " + std::to_string(limits_.output) +
        " bytes; use another one.");
  }
  out += text;
}

Interpreter::Flow Interpreter::run(
    const std::vector<Stmt>& statements,
    Scope& scope,
    std::string& out) {
  for (const Stmt& stmt : statements) {
    try {
      budget_.spend(1);
      const Flow flow = run(stmt, scope, out);
      if (flow != Flow::on) {
        return flow;
      }
    } catch (const std::invalid_argument& error) {
      fail(stmt.line, error.what());
    }
  }
  return Flow::on;
}

Interpreter::Flow
Interpreter::run(const Stmt& stmt, Scope& scope, std::string& out) {
  switch (stmt.kind) {
    case Stmt::text:
      write(stmt.data, out);
      break;
    case Stmt::output:
      write(evaluate(stmt.exprs[0], scope).str(), out);
      break;
    case Stmt::if_: {
      const bool yes = evaluate(stmt.exprs[0], scope).truth();
      return run(yes ? stmt.body : stmt.otherwise, scope, out);
    }
    case Stmt::for_:
      return loop(stmt, scope, out);
    case Stmt::set:
    case Stmt::set_attr:
      assign(stmt, scope);
      break;
    case Stmt::macro:
      scope.variables.insert_or_assign(
          stmt.data, Value::function([this, &stmt](const Arguments& a) {
            return macro(stmt, a);
          }));
      break;
    case Stmt::break_:
      return Flow::leave_loop;
    case Stmt::continue_:
      return Flow::next_round;
    case Stmt::block:
      return run(stmt.body, scope, out);
  }
  return Flow::on;
}

void Interpreter::bind(const Stmt& stmt, const Value& value, Scope& scope) {
  if (stmt.names.size() == 1) {
    scope.variables.insert_or_assign(stmt.names[0], value);
    return;
  }
  const Values parts = iterate(value, budget_);
  if (parts.size() != stmt.names.size()) {
    throw std::invalid_argument(
        "expected " + std::to_string(stmt.names.size()) +
        " values but received " + std::to_string(parts.size()) + ".");
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    scope.variables.insert_or_assign(stmt.names[i], parts[i]);
  }
}

Interpreter::Flow
Interpreter::loop(const Stmt& stmt, Scope& scope, std::string& out) {
  Values items = iterate(evaluate(stmt.exprs[0], scope), budget_);
  if (stmt.exprs.size() > 1) {
    std::erase_if(items, [&](const Value& item) {
      Scope inner{&scope};
      bind(stmt, item, inner);
      return !evaluate(stmt.exprs[1], inner).truth();
    });
  }
  for (size_t i = 0; i < items.size(); ++i) {
    budget_.spend(4);
    Scope inner{&scope};
    inner.variables.insert_or_assign("loop", loop_value(items, i));
    bind(stmt, items[i], inner);
    if (run(stmt.body, inner, out) == Flow::leave_loop) {
      break;
    }
  }
  return items.empty() ? run(stmt.otherwise, scope, out) : Flow::on;
}

void Interpreter::assign(const Stmt& stmt, Scope& scope) {
  if (stmt.is_block) {
    std::string text;
    run(stmt.body, scope, text);
    scope.variables.insert_or_assign(stmt.names[0], Value(std::move(text)));
    return;
  }
  Value value = evaluate(stmt.exprs[0], scope);
  if (stmt.kind == Stmt::set) {
    bind(stmt, value, scope);
    return;
  }
  const Value space = lookup(stmt.names[0], scope);
  if (!space.as<Namespace*>()) {
    throw std::invalid_argument(
        "only the attributes of a namespace() can be set, not those of " +
        space.type() + ".");
  }
  (*space.as<Namespace*>())
      ->members.insert_or_assign(stmt.names[1], std::move(value));
}

Value Interpreter::macro(const Stmt& stmt, const Arguments& arguments) {
  if (macro_depth_ >= max_macro_depth) {
    throw std::invalid_argument(
        "macros call each other deeper than " +
        std::to_string(max_macro_depth) + " levels.");
  }
  if (arguments.values.size() > stmt.names.size()) {
    throw std::invalid_argument("too many arguments for " + stmt.data + ".");
  }
  Scope scope{&globals_};
  const size_t required = stmt.names.size() - stmt.defaults.size();
  for (size_t i = 0; i < stmt.names.size(); ++i) {
    const std::string& name = stmt.names[i];
    const Value* given = arguments.get(i, name);
    scope.variables.insert_or_assign(
        name,
        given              ? *given
            : i < required ? Value(Undefined{name})
                           : evaluate(stmt.defaults[i - required], scope));
  }
  ++macro_depth_;
  std::string out;
  run(stmt.body, scope, out);
  --macro_depth_;
  return out;
}

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
