// SPDX-License-Identifier: MIT
//
// What a template can do with values: operators, methods, filters and tests.
// They throw std::invalid_argument; the interpreter adds the line.

#pragma once

#include <stdexcept>
#include <unordered_map>

#include "llm/tokenizers/jinja_value.h"

namespace llm::jinja {

/** Steps that a rendering may take: a template is a program, and not ours. */
class Budget {
 public:
  explicit Budget(size_t steps) : left_(steps) {}
  /** Takes `steps`; throws when there are not so many left. */
  void spend(size_t steps) {
    if (steps > left_) {
      left_ = 0;
      throw std::invalid_argument(
          "the template takes too many steps; use another one.");
    }
    left_ -= steps;
  }
  /** Takes what `bytes` of new text cost. */
  void spend_bytes(size_t bytes) {
    spend(1 + bytes / 16);
  }

 private:
  size_t left_;
};

Value binary(
    const std::string& sign,
    const Value& a,
    const Value& b,
    Budget& budget);
Value unary(const std::string& sign, const Value& a);
/** ==, !=, <, <=, >, >=, in, not in */
bool holds(
    const std::string& sign,
    const Value& a,
    const Value& b,
    Budget& budget);

/** What a loop over the value sees: characters, keys or items. */
Values iterate(const Value& value, Budget& budget);

/** object[key], undefined when there is none. */
Value item_of(const Value& object, const Value& key, Budget& budget);
Value slice_of(
    const Value& object,
    const Value& begin,
    const Value& end,
    const Value& step,
    Budget& budget);
/** object.name; methods are functions. Throws for undefined objects. */
Value attribute_of(
    const Value& object,
    const std::string& name,
    Budget& budget);

/** Whether object.name is a method of str, list or dict. */
bool has_method(const Value& object, const std::string& name);
Value call_method(
    const Value& object,
    const std::string& name,
    const Arguments& arguments,
    Budget& budget);

/** values[0] | name(values[1], ..., named) */
Value apply_filter(
    const std::string& name,
    const Arguments& arguments,
    Budget& budget);
/** values[0] is name(values[1], ...) */
bool apply_test(
    const std::string& name,
    const Arguments& arguments,
    Budget& budget);

// Parts that filters and methods share.

using Filters =
    std::unordered_map<std::string, Value (*)(const Arguments&, Budget&)>;
const Filters& list_filters();

/** value.a.b for the path "a.b". */
Value path_of(Value value, std::string_view path, Budget& budget);

/** text.strip(characters); `sides`: 1 left, 2 right, 3 both. */
std::string strip(const std::string& text, const Value* characters, int sides);
std::string upper(const std::string& text);
std::string lower(const std::string& text);
std::string title(const std::string& text);
std::string capitalize(const std::string& text);
/** text.replace(from, to, count); count < 0: all. */
std::string replace(
    const std::string& text,
    const std::string& from,
    const std::string& to,
    int64_t count,
    Budget& budget);
std::string
join(const Values& items, const std::string& between, Budget& budget);
/** The text of an argument; throws when it is no string. */
const std::string& text_of(const Value* value);
/** An argument that is an integer, or the fallback when absent or none. */
int64_t integer_or(const Value* value, int64_t fallback);

} // namespace llm::jinja
