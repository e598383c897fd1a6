// SPDX-License-Identifier: MIT
//
// Runs a parsed template. Variables live in scopes as in Jinja: a loop body and
// a macro have their own, what is set there is gone behind it, and `if` has
// none. A macro sees the variables of the template, not those of a loop.
// A template comes with a model that others made: steps, output, loops and
// recursion are limited.

#pragma once

#include <deque>
#include <map>

#include "llm/tokenizers/jinja_ast.h"
#include "llm/tokenizers/jinja_functions.h"

namespace llm::jinja {

struct Limits {
  size_t steps = 2'000'000;
  size_t output = size_t{16} << 20; ///< bytes
};

class Interpreter {
 public:
  explicit Interpreter(const Limits& limits = {});

  /** Defines a variable of the whole template. */
  void define(const std::string& name, Value value);

  /** The text that the template gives; InputError with the line. */
  std::string run(const std::vector<Stmt>& statements);

 private:
  struct Scope {
    Scope* parent = nullptr;
    std::map<std::string, Value, std::less<>> variables = {};
  };
  enum class Flow { on, leave_loop, next_round };

  Flow run(const std::vector<Stmt>& statements, Scope& scope, std::string& out);
  Flow run(const Stmt& stmt, Scope& scope, std::string& out);
  Flow loop(const Stmt& stmt, Scope& scope, std::string& out);
  void assign(const Stmt& stmt, Scope& scope);
  void bind(const Stmt& stmt, const Value& value, Scope& scope);
  void write(const std::string& text, std::string& out);
  Value macro(const Stmt& stmt, const Arguments& arguments);

  Value evaluate(const Expr& expr, Scope& scope);
  Value evaluate_kind(const Expr& expr, Scope& scope);
  Value call(const Expr& expr, Scope& scope);
  Value dict(const Expr& expr, Scope& scope);
  Value compare_all(const Expr& expr, Scope& scope);
  Arguments arguments(const Expr& expr, size_t from, Scope& scope);
  Value lookup(const std::string& name, const Scope& scope) const;

  Limits limits_;
  Budget budget_;
  size_t written_ = 0;
  int macro_depth_ = 0;
  Scope globals_;
  std::deque<Namespace> namespaces_;
};

} // namespace llm::jinja
