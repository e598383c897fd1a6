// SPDX-License-Identifier: MIT
//
// Operators, indexing and iteration, with Python's meaning.

#include <algorithm>
#include <cmath>

#include "llm/core/checked.h"
#include "llm/core/utf8.h"
#include "llm/tokenizers/jinja_functions.h"

namespace llm::jinja {
namespace {

[[noreturn]] void
fail_operands(const std::string& sign, const Value& a, const Value& b) {
  for (const Value* value : {&a, &b}) {
    if (const auto* undefined = value->as<Undefined>()) {
      throw std::invalid_argument("'" + undefined->name + "' is undefined.");
    }
  }
  throw std::invalid_argument(
      "\"" + sign + "\" does not work between " + a.type() + " and " +
      b.type() + ".");
}

int64_t fitting(std::optional<int64_t> number) {
  if (!number) {
    throw std::invalid_argument("a number does not fit 64 bits.");
  }
  return *number;
}

Value integers(const std::string& sign, int64_t a, int64_t b) {
  if (sign == "+") {
    return fitting(checked_add(a, b));
  }
  if (sign == "-") {
    return fitting(b == INT64_MIN ? std::nullopt : checked_add(a, int64_t{-b}));
  }
  if (sign == "*") {
    return fitting(checked_mul(a, b));
  }
  if (b == 0 || (a == INT64_MIN && b == -1)) {
    throw std::invalid_argument("a division by zero.");
  }
  const int64_t rest = a % b;
  const bool down = rest != 0 && (rest < 0) != (b < 0); // Python rounds down
  return sign == "//" ? a / b - (down ? 1 : 0) : rest + (down ? b : 0);
}

Value floats(const std::string& sign, double a, double b) {
  if (sign == "+" || sign == "-") {
    return sign == "+" ? a + b : a - b;
  }
  if (sign == "*" || sign == "**") {
    return sign == "*" ? a * b : std::pow(a, b);
  }
  if (b == 0) {
    throw std::invalid_argument("a division by zero.");
  }
  if (sign == "/") {
    return a / b;
  }
  const double floor = std::floor(a / b);
  return sign == "//" ? floor : a - floor * b;
}

Value power(int64_t base, int64_t exponent) {
  int64_t out = 1;
  for (int64_t i = 0; i < exponent; ++i) {
    out = fitting(checked_mul(out, base));
    if (out == 0 || out == 1) {
      break;
    }
    if (i > 64) { // only -1 gets here
      return exponent % 2 == 0 ? int64_t{1} : base;
    }
  }
  return out;
}

/// A text or list, `times` times.
Value repeated(const Value& value, int64_t times, Budget& budget) {
  const auto n = static_cast<size_t>(std::clamp<int64_t>(times, 0, 1 << 24));
  const size_t size =
      value.text() ? value.text()->size() / 16 + 1 : value.items()->size() + 1;
  budget.spend(n * std::min<size_t>(size, 1 << 24));
  std::string text;
  Values items;
  for (size_t i = 0; i < n; ++i) {
    if (value.text()) {
      text += *value.text();
    } else {
      items.insert(items.end(), value.items()->begin(), value.items()->end());
    }
  }
  return value.text() ? Value(text) : Value::list(std::move(items));
}

bool contains(const Value& container, const Value& value, Budget& budget) {
  if (container.text()) {
    budget.spend_bytes(container.text()->size());
    return container.text()->find(text_of(&value)) != std::string::npos;
  }
  if (const Values* items = container.items()) {
    budget.spend(items->size() + 1);
    return std::any_of(items->begin(), items->end(), [&](const Value& item) {
      return equal(item, value);
    });
  }
  if (const Dict* dict = container.dict()) {
    budget.spend(dict->members.size() + 1);
    return value.text() && dict->find(*value.text());
  }
  if (container.undefined()) {
    return false;
  }
  fail_operands("in", value, container);
}

} // namespace

Value binary(
    const std::string& sign,
    const Value& a,
    const Value& b,
    Budget& budget) {
  if (sign == "~") {
    std::string text = a.str() + b.str();
    budget.spend_bytes(text.size());
    return text;
  }
  if (sign == "+" && a.text() && b.text()) {
    budget.spend_bytes(a.text()->size() + b.text()->size());
    return *a.text() + *b.text();
  }
  if (sign == "+" && a.items() && b.items()) {
    Values items = *a.items();
    items.insert(items.end(), b.items()->begin(), b.items()->end());
    budget.spend(items.size() + 1);
    return Value::list(std::move(items));
  }
  if (sign == "*" && (a.text() || a.items()) && b.integer()) {
    return repeated(a, *b.integer(), budget);
  }
  if (sign == "*" && (b.text() || b.items()) && a.integer()) {
    return repeated(b, *a.integer(), budget);
  }
  if (!a.number() || !b.number()) {
    fail_operands(sign, a, b);
  }
  const bool whole = a.integer() && b.integer() && sign != "/";
  if (whole && sign == "**" && *b.integer() >= 0) {
    return power(*a.integer(), *b.integer());
  }
  return whole && sign != "**" ? integers(sign, *a.integer(), *b.integer())
                               : floats(sign, *a.number(), *b.number());
}

Value unary(const std::string& sign, const Value& a) {
  if (sign == "not") {
    return !a.truth();
  }
  if (!a.number()) {
    fail_operands(sign, a, a);
  }
  const Value zero = int64_t{0};
  Budget budget(1);
  return binary(sign, zero, a, budget);
}

bool holds(
    const std::string& sign,
    const Value& a,
    const Value& b,
    Budget& budget) {
  if (sign == "==" || sign == "!=") {
    budget.spend_bytes(a.text() ? a.text()->size() : 16);
    return equal(a, b) == (sign == "==");
  }
  if (sign == "in" || sign == "not in") {
    return contains(b, a, budget) == (sign == "in");
  }
  const auto order = compare(a, b);
  if (!order) {
    fail_operands(sign, a, b);
  }
  const int o = *order;
  return sign == "<" ? o < 0
      : sign == "<=" ? o <= 0
      : sign == ">"  ? o > 0
                     : o >= 0;
}

Values iterate(const Value& value, Budget& budget) {
  Values out;
  if (value.items()) {
    out = *value.items();
  } else if (value.text()) {
    for (char32_t c : decode_utf8(*value.text())) {
      out.emplace_back(encode_utf8({&c, 1}));
    }
  } else if (value.dict()) {
    for (const auto& [key, member] : value.dict()->members) {
      out.emplace_back(key);
    }
  } else if (!value.undefined()) {
    throw std::invalid_argument(value.type() + " cannot be iterated over.");
  }
  budget.spend(out.size() + 1);
  return out;
}

Value item_of(const Value& object, const Value& key, Budget& budget) {
  if (const auto* undefined = object.as<Undefined>()) {
    throw std::invalid_argument("'" + undefined->name + "' is undefined.");
  }
  if (object.dict() && key.text()) {
    budget.spend(1 + object.dict()->members.size() / 8);
    if (const Value* member = object.dict()->find(*key.text())) {
      return *member;
    }
  }
  const bool sequence = object.items() || object.text();
  if (const auto index = key.integer(); index && sequence) {
    const Values characters =
        object.text() ? iterate(object, budget) : Values{};
    const Values& items = object.text() ? characters : *object.items();
    const auto n = static_cast<int64_t>(items.size());
    const int64_t i = *index < 0 ? *index + n : *index;
    return i >= 0 && i < n ? items[static_cast<size_t>(i)]
                           : Value(Undefined{std::to_string(*index)});
  }
  return key.text() ? attribute_of(object, *key.text(), budget)
                    : Value(Undefined{key.str()});
}

Value slice_of(
    const Value& object,
    const Value& begin,
    const Value& end,
    const Value& step,
    Budget& budget) {
  if (!object.items() && !object.text()) {
    fail_operands("[:]", object, object);
  }
  const Values items = iterate(object, budget);
  const auto n = static_cast<int64_t>(items.size());
  const int64_t by = integer_or(&step, 1);
  if (by == 0) {
    throw std::invalid_argument("a slice with the step 0.");
  }
  const auto place = [&](const Value& value, int64_t fallback) {
    const int64_t i = integer_or(&value, fallback);
    if (value.none()) {
      return fallback;
    }
    return std::clamp(
        i < 0 ? i + n : i, by < 0 ? int64_t{-1} : 0, by < 0 ? n - 1 : n);
  };
  Values out;
  int64_t i = place(begin, by < 0 ? n - 1 : 0);
  const int64_t last = place(end, by < 0 ? -1 : n);
  const int64_t stride = std::clamp(by, -n - 1, n + 1);
  for (; by < 0 ? i > last : i < last; i += stride) {
    out.push_back(items[static_cast<size_t>(i)]);
  }
  return object.text() ? Value(join(out, "", budget))
                       : Value::list(std::move(out));
}

} // namespace llm::jinja
