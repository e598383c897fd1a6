// SPDX-License-Identifier: MIT
//
// Filters and tests. A filter that gives a generator in Jinja gives a list.

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "llm/core/utf8.h"
#include "llm/tokenizers/jinja_functions.h"

namespace llm::jinja {
namespace {

using Filter = Value (*)(const Arguments&, Budget&);

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

/// value.a.b for the attribute "a.b".
Value path_of(Value value, std::string_view path, Budget& budget) {
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('.', begin), path.size());
    value = item_of(value, Value(path.substr(begin, end - begin)), budget);
    begin = end + 1;
  }
  return value;
}

/// Arguments number `from` on, behind a new subject.
Arguments rest_for(const Arguments& a, size_t from, const Value& value) {
  Arguments out;
  out.values.push_back(value);
  for (size_t i = from; i < a.values.size(); ++i) {
    out.values.push_back(a.values[i]);
  }
  return out;
}

Value map_filter(const Arguments& a, Budget& budget) {
  Values out;
  const Value* attribute = nullptr;
  const Value* fallback = nullptr;
  for (const auto& [name, value] : a.named) {
    attribute = name == "attribute" ? &value : attribute;
    fallback = name == "default" ? &value : fallback;
  }
  for (const Value& item : iterate(subject(a), budget)) {
    if (attribute) {
      Value value = path_of(item, text_of(attribute), budget);
      out.push_back(value.undefined() && fallback ? *fallback : value);
    } else {
      const std::string& name = text_of(a.get(1, "filter"));
      out.push_back(apply_filter(name, rest_for(a, 2, item), budget));
    }
  }
  return Value::list(std::move(out));
}

/// select, reject (`by_attribute` false), selectattr and rejectattr.
template <bool wanted, bool by_attribute>
Value select_filter(const Arguments& a, Budget& budget) {
  constexpr size_t test_at = by_attribute ? 2 : 1;
  Values out;
  for (const Value& item : iterate(subject(a), budget)) {
    const Value value =
        by_attribute ? path_of(item, text_of(a.get(1, "attr")), budget) : item;
    const bool holds = test_at < a.values.size()
        ? apply_test(
              text_of(&a.values[test_at]),
              rest_for(a, test_at + 1, value),
              budget)
        : value.truth();
    if (holds == wanted) {
      out.push_back(item);
    }
  }
  return Value::list(std::move(out));
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

/// A value to sort by: texts without case, unless it counts.
Value sort_key(
    const Value& value,
    const Value* attribute,
    bool exact,
    Budget& b) {
  Value key = attribute ? path_of(value, text_of(attribute), b) : value;
  return key.text() && !exact ? Value(lower(*key.text())) : key;
}

Values sorted(
    const Values& items,
    bool reverse,
    bool exact,
    const Value* attribute,
    Budget& budget) {
  std::vector<std::pair<Value, size_t>> keys;
  for (size_t i = 0; i < items.size(); ++i) {
    keys.emplace_back(sort_key(items[i], attribute, exact, budget), i);
    if (!compare(keys.back().first, keys.front().first)) {
      throw std::invalid_argument("sort needs values of one kind.");
    }
  }
  budget.spend(8 * items.size());
  std::stable_sort(keys.begin(), keys.end(), [&](const auto& a, const auto& b) {
    const int order = compare(a.first, b.first).value_or(0);
    return reverse ? order > 0 : order < 0;
  });
  Values out;
  for (const auto& [key, i] : keys) {
    out.push_back(items[i]);
  }
  return out;
}

Value sort_filter(const Arguments& a, Budget& budget) {
  return Value::list(sorted(
      iterate(subject(a), budget),
      flag(a.get(1, "reverse")),
      flag(a.get(2, "case_sensitive")),
      a.get(3, "attribute"),
      budget));
}

Value dictsort_filter(const Arguments& a, Budget& budget) {
  if (!subject(a).dict()) {
    throw std::invalid_argument("dictsort needs a dict.");
  }
  const Value items = call_method(subject(a), "items", {}, budget);
  const Value* by = a.get(2, "by");
  const Value place = int64_t{by && by->str() == "value" ? 1 : 0};
  Values keys;
  std::vector<std::pair<Value, size_t>> order;
  Values pairs;
  for (const Value& pair : *items.items()) {
    const Value key = item_of(pair, place, budget);
    pairs.push_back(Value::dict({{"k", key}, {"pair", pair}}));
  }
  const Value attribute = "k";
  Values out;
  for (const Value& entry : sorted(
           pairs,
           flag(a.get(3, "reverse")),
           flag(a.get(1, "case_sensitive")),
           &attribute,
           budget)) {
    out.push_back(*entry.dict()->find("pair"));
  }
  return Value::list(std::move(out));
}

Value unique_filter(const Arguments& a, Budget& budget) {
  Values out;
  Values seen;
  for (const Value& item : iterate(subject(a), budget)) {
    const Value key = sort_key(
        item, a.get(2, "attribute"), flag(a.get(1, "case_sensitive")), budget);
    if (!holds("in", key, Value::list(seen), budget)) {
      seen.push_back(key);
      out.push_back(item);
    }
  }
  return Value::list(std::move(out));
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

Value number_filter(const Arguments& a, bool whole) {
  const Value* fallback = a.get(1, "default");
  const Value zero = whole ? Value(int64_t{0}) : Value(0.0);
  const Value& value = subject(a);
  std::optional<double> number = value.number();
  if (value.text()) {
    const std::string text = strip(*value.text(), nullptr, 3);
    try {
      size_t end = 0;
      const double parsed = std::stod(text, &end);
      number = end == text.size() ? std::optional(parsed) : std::nullopt;
    } catch (const std::exception&) {
      number = std::nullopt;
    }
  }
  if (!number || !(std::abs(*number) < 9e18)) {
    return fallback ? *fallback : zero;
  }
  return whole ? (value.integer() ? Value(*value.integer())
                                  : Value(static_cast<int64_t>(*number)))
               : Value(*number);
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

const std::unordered_map<std::string, Filter>& filters() {
  using A = const Arguments&;
  using B = Budget&;
  static const std::unordered_map<std::string, Filter> known = {
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
      {"map", map_filter},
      {"select", select_filter<true, false>},
      {"reject", select_filter<false, false>},
      {"selectattr", select_filter<true, true>},
      {"rejectattr", select_filter<false, true>},
      {"sort", sort_filter},
      {"dictsort", dictsort_filter},
      {"unique", unique_filter},
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
  const auto known = filters().find(name);
  if (known == filters().end()) {
    throw std::invalid_argument(
        "the filter " + quote(name) + " is not supported.");
  }
  budget.spend_bytes(
      subject(arguments).text() ? subject(arguments).text()->size() : 0);
  return known->second(arguments, budget);
}

} // namespace llm::jinja
