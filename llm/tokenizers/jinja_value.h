// SPDX-License-Identifier: MIT
//
// Values of a chat template: Python's None, bool, int, float, str, list and
// dict as Jinja sees them, plus "undefined" and what can be called. Lists and
// dicts are shared and never change (transformers renders in an immutable
// sandbox); only a namespace() does.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "llm/core/json.h"

namespace llm::jinja {

class Value;
using Values = std::vector<Value>;
using Members = std::vector<std::pair<std::string, Value>>;

struct Undefined {
  std::string name; ///< what was not there, for the message
};
struct None {};
/** depth: lists and dicts inside each other; see max_depth. */
struct List {
  Values items;
  int depth = 1;
};
struct Dict {
  Members members;
  int depth = 1;
  const Value* find(std::string_view key) const;
};
/** What namespace() makes; the interpreter owns it. */
struct Namespace {
  std::map<std::string, Value, std::less<>> members;
};
/** Arguments of a call, a filter or a test. */
struct Arguments {
  Values values;
  Members named;
  /** Argument number `i`, or the one with the name; nullptr when absent. */
  const Value* get(size_t i, std::string_view name) const;
};
using Function = std::function<Value(const Arguments&)>;

/** Nesting of values that a template may build. */
inline constexpr int max_depth = 100;

class Value {
 public:
  using Variant = std::variant<
      Undefined,
      None,
      bool,
      int64_t,
      double,
      std::string,
      std::shared_ptr<const List>,
      std::shared_ptr<const Dict>,
      Namespace*,
      std::shared_ptr<const Function>>;

  Value() = default;
  template <class T>
  Value(T value) : v(std::move(value)) {}
  Value(const char* text) : v(std::string(text)) {}
  Value(std::string_view text) : v(std::string(text)) {}

  /** Throws std::invalid_argument when nested deeper than max_depth. */
  static Value list(Values items);
  static Value dict(Members members);
  static Value function(Function function);
  static Value from_json(const Json& json);

  template <class T>
  const T* as() const {
    return std::get_if<T>(&v);
  }
  const Values* items() const; ///< of a list, else nullptr
  const Dict* dict() const;    ///< else nullptr
  const std::string* text() const {
    return as<std::string>();
  }
  bool undefined() const {
    return as<Undefined>() != nullptr;
  }
  bool none() const {
    return as<None>() != nullptr;
  }
  /** bool (as 0 or 1), int or float: a number; else nothing. */
  std::optional<double> number() const;
  std::optional<int64_t> integer() const; ///< bool or int

  bool truth() const;
  /** Python's name of the type, for messages. */
  std::string type() const;
  /** str(value) */
  std::string str() const;
  /** repr(value) */
  std::string repr() const;

  Variant v;
};

/** Python's ==. */
bool equal(const Value& a, const Value& b);

/** -1, 0, 1 for numbers, strings or lists; nothing when they have no order. */
std::optional<int> compare(const Value& a, const Value& b);

/** json.dumps(value, ensure_ascii=False, indent, separators, sort_keys). */
struct JsonStyle {
  int indent = -1; ///< spaces of a level; -1: one line
  std::string item_separator = ", ";
  std::string key_separator = ": ";
  bool sort_keys = false;
};
std::string to_json(const Value& value, const JsonStyle& style = {});

} // namespace llm::jinja
