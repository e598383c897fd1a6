// SPDX-License-Identifier: MIT
//
// Filters over lists: map, select and reject, and those that sort.

#include <algorithm>
#include <list>

#include "llm/tokenizers/jinja_functions.h"

namespace llm::jinja {
namespace {

const Value& subject(const Arguments& a) {
  return a.values.front();
}

bool flag(const Value* value) {
  return value && value->truth();
}

/// What map and select go over; none and undefined are empty for them.
Values items_of(const Arguments& a, Budget& budget) {
  return subject(a).truth() ? iterate(subject(a), budget) : Values{};
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
  for (const Value& item : items_of(a, budget)) {
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
  for (const Value& item : items_of(a, budget)) {
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
  std::list<std::pair<Value, size_t>> keys;
  for (size_t i = 0; i < items.size(); ++i) {
    keys.emplace_back(sort_key(items[i], attribute, exact, budget), i);
    if (!compare(keys.back().first, keys.front().first)) {
      throw std::invalid_argument("sort needs values of one kind.");
    }
  }
  budget.spend(8 * items.size());
  // std::list's merge sort is stable, and safe where the order is not one
  // (NaN).
  keys.sort([&](const auto& a, const auto& b) {
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

} // namespace

Value path_of(Value value, std::string_view path, Budget& budget) {
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find('.', begin), path.size());
    value = item_of(value, Value(path.substr(begin, end - begin)), budget);
    begin = end + 1;
  }
  return value;
}

const Filters& list_filters() {
  static const Filters known = {
      {"map", map_filter},
      {"select", select_filter<true, false>},
      {"reject", select_filter<false, false>},
      {"selectattr", select_filter<true, true>},
      {"rejectattr", select_filter<false, true>},
      {"sort", sort_filter},
      {"dictsort", dictsort_filter},
      {"unique", unique_filter},
  };
  return known;
}

} // namespace llm::jinja
