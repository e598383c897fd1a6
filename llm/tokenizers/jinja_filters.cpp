// SPDX-License-Identifier: MIT
//
// Filters and tests. A filter that gives a generator in Jinja gives a list.

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "llm/core/utf8.h"
#include "llm/tokenizers/jinja_functions.h"

namespace llm::jinja {
namespace {

const Value& subject(const Arguments& a) {
  return a.values.front();
}

std::string subject_text(const Arguments& a) {
  return subject(a).str();
}

bool flag(const Value* value) {
  return value && value->truth();
}

int64_t length(const Value& value, Budget& budget) {
  return value.items() ? static_cast<int64_t>(value.items()->size())
                       : static_cast<int64_t>(iterate(value, budget).size());
}

Value default_filter(const Arguments& a, Budget&) {
  const Value* fallback = a.get(1, "default_value");
  const bool missing = subject(a).undefined() ||
      (flag(a.get(2, "boolean")) && !subject(a).truth());
  return !missing ? subject(a) : fallback ? *fallback : Value("");
}

Value join_filter(const Arguments& a, Budget& budget) {
  Values items = iterate(subject(a), budget);
  if (const Value* attribute = a.get(2, "attribute")) {
    for (Value& item : items) {
      item = path_of(item, text_of(attribute), budget);
    }
  }
  const Value* between = a.get(1, "d");
  return join(items, between ? between->str() : "", budget);
}

Value tojson_filter(const Arguments& a, Budget& budget) {
  JsonStyle style;
  if (const Value* indent = a.get(1, "indent"); indent && !indent->none()) {
    style.indent =
        static_cast<int>(std::clamp<int64_t>(integer_or(indent, 0), 0, 16));
    style.item_separator = ",";
  }
  const Value* separators = nullptr;
  for (const auto& [name, value] : a.named) {
    separators = name == "separators" ? &value : separators;
    style.sort_keys = style.sort_keys || (name == "sort_keys" && value.truth());
  }
  if (separators && separators->items() && separators->items()->size() == 2) {
    style.item_separator = text_of(&(*separators->items())[0]);
    style.key_separator = text_of(&(*separators->items())[1]);
  }
  std::string text = to_json(subject(a), style);
  budget.spend_bytes(text.size());
  return text;
}

Value indent_filter(const Arguments& a, Budget& budget) {
  const Value* width = a.get(1, "width");
  const bool first = flag(a.get(2, "first"));
  const bool blank = flag(a.get(3, "blank"));
  const std::string by = width && width->text()
      ? *width->text()
      : std::string(
            static_cast<size_t>(
                std::clamp<int64_t>(integer_or(width, 4), 0, 256)),
            ' ');
  const std::string text = subject_text(a);
  std::string out;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const bool indents = begin == 0 ? first : (blank || end > begin);
    out += (begin > 0 ? "\n" : "") + (indents ? by : "");
    out.append(text, begin, end - begin);
    budget.spend_bytes(by.size() + end - begin);
    begin = end + 1;
  }
  return out;
}

/// float(value), or nothing when Python would refuse it.
std::optional<double> parsed(const Value& value) {
  if (!value.text()) {
    return value.number();
  }
  const std::string text = strip(*value.text(), nullptr, 3);
  if (text.find_first_not_of("+-.0123456789eE") != text.npos) {
    return std::nullopt; // hexadecimal, infinity
  }
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == '\0' ? std::optional(number) : std::nullopt;
}

Value number_filter(const Arguments& a, bool whole) {
  const Value* fallback = a.get(1, "default");
  if (whole && subject(a).integer()) {
    return *subject(a).integer();
  }
  const auto number = parsed(subject(a));
  if (!number || !(std::abs(*number) < 9e18)) {
    return fallback ? *fallback : whole ? Value(int64_t{0}) : Value(0.0);
  }
  return whole ? Value(static_cast<int64_t>(*number)) : Value(*number);
}

Value end_of(const Arguments& a, bool last, Budget& budget) {
  const Values items = iterate(subject(a), budget);
  return items.empty() ? Value(Undefined{last ? "last" : "first"})
      : last           ? items.back()
                       : items.front();
}

Value reverse_filter(const Arguments& a, Budget& budget) {
  Values items = iterate(subject(a), budget);
  std::reverse(items.begin(), items.end());
  return subject(a).text() ? Value(join(items, "", budget))
                           : Value::list(std::move(items));
}

Value items_filter(const Arguments& a, Budget& budget) {
  if (subject(a).undefined()) {
    return Value::list({});
  }
  if (!subject(a).dict()) {
    throw std::invalid_argument("items needs a dict.");
  }
  return call_method(subject(a), "items", {}, budget);
}

Value replace_filter(const Arguments& a, Budget& budget) {
  return replace(
      subject_text(a),
      text_of(a.get(1, "old")),
      text_of(a.get(2, "new")),
      integer_or(a.get(3, "count"), -1),
      budget);
}

const Filters& filters() {
  using A = const Arguments&;
  using B = Budget&;
  static const Filters known = {
      {"trim",
       [](A a, B) -> Value {
         return strip(subject_text(a), a.get(1, "chars"), 3);
       }},
      {"length", [](A a, B b) -> Value { return length(subject(a), b); }},
      {"count", [](A a, B b) -> Value { return length(subject(a), b); }},
      {"upper", [](A a, B) -> Value { return upper(subject_text(a)); }},
      {"lower", [](A a, B) -> Value { return lower(subject_text(a)); }},
      {"title", [](A a, B) -> Value { return title(subject_text(a)); }},
      {"capitalize",
       [](A a, B) -> Value { return capitalize(subject_text(a)); }},
      {"string", [](A a, B) -> Value { return subject_text(a); }},
      {"safe", [](A a, B) -> Value { return subject_text(a); }},
      {"list",
       [](A a, B b) -> Value { return Value::list(iterate(subject(a), b)); }},
      {"first", [](A a, B b) -> Value { return end_of(a, false, b); }},
      {"last", [](A a, B b) -> Value { return end_of(a, true, b); }},
      {"int", [](A a, B) -> Value { return number_filter(a, true); }},
      {"float", [](A a, B) -> Value { return number_filter(a, false); }},
      {"default", default_filter},
      {"d", default_filter},
      {"join", join_filter},
      {"tojson", tojson_filter},
      {"items", items_filter},
      {"replace", replace_filter},
      {"reverse", reverse_filter},
      {"indent", indent_filter},
  };
  return known;
}

} // namespace

Value apply_filter(
    const std::string& name,
    const Arguments& arguments,
    Budget& budget) {
  budget.spend_bytes(
      subject(arguments).text() ? subject(arguments).text()->size() : 0);
  for (const auto* table : {&filters(), &list_filters()}) {
    if (const auto known = table->find(name); known != table->end()) {
      return known->second(arguments, budget);
    }
  }
  throw std::invalid_argument(
      "the filter " + quote(name) + " is not supported.");
}

} // namespace llm::jinja
