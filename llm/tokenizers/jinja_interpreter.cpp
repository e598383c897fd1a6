// SPDX-License-Identifier: MIT

#include "llm/tokenizers/jinja_interpreter.h"

#include <algorithm>

#include "llm/tokenizers/jinja_lexer.h"

namespace llm::jinja {
namespace {

constexpr int max_macro_depth = 16;
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

} // namespace llm::jinja
