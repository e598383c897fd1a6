// SPDX-License-Identifier: MIT
//
// Jinja's tests: what stands behind "is".

#include <unordered_map>

#include "llm/core/utf8.h"
#include "llm/tokenizers/jinja_functions.h"

namespace llm::jinja {
namespace {

using Test = bool (*)(const Arguments&, Budget&);

const Value& subject(const Arguments& a) {
  return a.values.front();
}

const Value& other(const Arguments& a) {
  if (a.values.size() < 2) {
    throw std::invalid_argument("the test needs a value to compare with.");
  }
  return a.values[1];
}

int64_t whole(const Value& value) {
  if (!value.integer()) {
    throw std::invalid_argument("the test needs an int.");
  }
  return *value.integer();
}

template <int number>
bool compares(const Arguments& a, Budget& budget) {
  constexpr const char* signs[] = {"==", "!=", "<", "<=", ">", ">=", "in"};
  return holds(signs[number], subject(a), other(a), budget);
}

bool divisible(const Arguments& a, Budget&) {
  const int64_t by = whole(other(a));
  if (by == 0 || by == -1) {
    return by == -1;
  }
  return whole(subject(a)) % by == 0;
}

const std::unordered_map<std::string, Test>& tests() {
  using A = const Arguments&;
  using B = Budget&;
  static const std::unordered_map<std::string, Test> known = {
      {"defined", [](A a, B) { return !subject(a).undefined(); }},
      {"undefined", [](A a, B) { return subject(a).undefined(); }},
      {"none", [](A a, B) { return subject(a).none(); }},
      {"string", [](A a, B) { return subject(a).text() != nullptr; }},
      {"mapping", [](A a, B) { return subject(a).dict() != nullptr; }},
      {"sequence",
       [](A a, B) {
         const Value& v = subject(a);
         return v.text() || v.items() || v.dict() || v.undefined();
       }},
      {"iterable",
       [](A a, B) {
         const Value& v = subject(a);
         return v.text() || v.items() || v.dict() || v.undefined();
       }},
      {"boolean", [](A a, B) { return subject(a).as<bool>() != nullptr; }},
      {"number", [](A a, B) { return subject(a).number().has_value(); }},
      {"integer", [](A a, B) { return subject(a).as<int64_t>() != nullptr; }},
      {"float", [](A a, B) { return subject(a).as<double>() != nullptr; }},
      {"callable",
       [](A a, B) {
         return subject(a).as<std::shared_ptr<const Function>>() != nullptr;
       }},
      {"true",
       [](A a, B) {
         const bool* flag = subject(a).as<bool>();
         return flag && *flag;
       }},
      {"false",
       [](A a, B) {
         const bool* flag = subject(a).as<bool>();
         return flag && !*flag;
       }},
      {"odd", [](A a, B) { return whole(subject(a)) % 2 != 0; }},
      {"even", [](A a, B) { return whole(subject(a)) % 2 == 0; }},
      {"divisibleby", divisible},
      {"lower",
       [](A a, B) {
         const std::string text = subject(a).str();
         return lower(text) == text && upper(text) != text;
       }},
      {"upper",
       [](A a, B) {
         const std::string text = subject(a).str();
         return upper(text) == text && lower(text) != text;
       }},
      {"sameas", compares<0>},
      {"eq", compares<0>},
      {"equalto", compares<0>},
      {"==", compares<0>},
      {"ne", compares<1>},
      {"!=", compares<1>},
      {"lt", compares<2>},
      {"lessthan", compares<2>},
      {"le", compares<3>},
      {"gt", compares<4>},
      {"greaterthan", compares<4>},
      {"ge", compares<5>},
      {"in", compares<6>},
  };
  return known;
}

} // namespace

bool apply_test(
    const std::string& name,
    const Arguments& arguments,
    Budget& budget) {
  const auto known = tests().find(name);
  if (known == tests().end()) {
    throw std::invalid_argument(
        "the test " + quote(name) + " is not supported.");
  }
  return known->second(arguments, budget);
}

} // namespace llm::jinja
