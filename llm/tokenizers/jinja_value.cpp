// SPDX-License-Identifier: MIT

#include "llm/tokenizers/jinja_value.h"

#include <algorithm>
#include <stdexcept>

namespace llm::jinja {
namespace {

int depth_of(const Value& value) {
  if (const auto* list = value.as<std::shared_ptr<const List>>()) {
    return (*list)->depth;
  }
  return value.dict() ? value.dict()->depth : 0;
}

int checked_depth(int inner) {
  if (inner >= max_depth) {
    throw std::invalid_argument(
        "lists and dicts are nested deeper than " + std::to_string(max_depth));
  }
  return inner + 1;
}

} // namespace

const Value* Dict::find(std::string_view key) const {
  for (const auto& [name, value] : members) {
    if (name == key) {
      return &value;
    }
  }
  return nullptr;
}

const Value* Arguments::get(size_t i, std::string_view name) const {
  if (i < values.size()) {
    return &values[i];
  }
  for (const auto& [key, value] : named) {
    if (key == name) {
      return &value;
    }
  }
  return nullptr;
}

Value Value::list(Values items) {
  int depth = 0;
  for (const Value& item : items) {
    depth = std::max(depth, depth_of(item));
  }
  return std::make_shared<const List>(
      List{std::move(items), checked_depth(depth)});
}

Value Value::dict(Members members) {
  int depth = 0;
  for (const auto& [key, value] : members) {
    depth = std::max(depth, depth_of(value));
  }
  return std::make_shared<const Dict>(
      Dict{std::move(members), checked_depth(depth)});
}

Value Value::function(Function function) {
  return std::make_shared<const Function>(std::move(function));
}

Value Value::from_json(const Json& json) {
  switch (json.type()) {
    case Json::value_t::null:
      return None{};
    case Json::value_t::boolean:
      return json.get<bool>();
    case Json::value_t::number_integer:
      return json.get<int64_t>();
    case Json::value_t::number_unsigned: {
      const auto number = json.get<uint64_t>();
      return number <= uint64_t(INT64_MAX) ? Value(static_cast<int64_t>(number))
                                           : Value(double(number));
    }
    case Json::value_t::number_float:
      return json.get<double>();
    case Json::value_t::string:
      return json.get<std::string>();
    case Json::value_t::array: {
      Values items;
      for (const Json& item : json) {
        items.push_back(from_json(item));
      }
      return list(std::move(items));
    }
    default: {
      Members members;
      for (const auto& [key, value] : json.items()) {
        members.emplace_back(key, from_json(value));
      }
      return dict(std::move(members));
    }
  }
}

const Values* Value::items() const {
  const auto* list = as<std::shared_ptr<const List>>();
  return list ? &(*list)->items : nullptr;
}

const Dict* Value::dict() const {
  const auto* dict = as<std::shared_ptr<const Dict>>();
  return dict ? dict->get() : nullptr;
}

std::optional<int64_t> Value::integer() const {
  if (const bool* flag = as<bool>()) {
    return *flag ? 1 : 0;
  }
  const auto* number = as<int64_t>();
  return number ? std::optional(*number) : std::nullopt;
}

std::optional<double> Value::number() const {
  if (const double* number = as<double>()) {
    return *number;
  }
  const auto whole = integer();
  return whole ? std::optional(static_cast<double>(*whole)) : std::nullopt;
}

bool Value::truth() const {
  if (const auto value = number()) {
    return *value != 0;
  }
  if (const auto* string = text()) {
    return !string->empty();
  }
  if (items()) {
    return !items()->empty();
  }
  if (dict()) {
    return !dict()->members.empty();
  }
  return !undefined() && !none();
}

std::string Value::type() const {
  constexpr const char* names[] = {
      "undefined",
      "None",
      "bool",
      "int",
      "float",
      "str",
      "list",
      "dict",
      "namespace",
      "function"};
  return names[v.index()];
}

bool equal(const Value& a, const Value& b) {
  if (a.number() && b.number()) {
    return compare(a, b) == 0;
  }
  if (a.v.index() != b.v.index()) {
    return false;
  }
  if (a.text()) {
    return *a.text() == *b.text();
  }
  if (a.items()) {
    return std::equal(
        a.items()->begin(),
        a.items()->end(),
        b.items()->begin(),
        b.items()->end(),
        equal);
  }
  if (a.dict()) {
    const Members& members = a.dict()->members;
    return members.size() == b.dict()->members.size() &&
        std::all_of(members.begin(), members.end(), [&](const auto& member) {
             const Value* other = b.dict()->find(member.first);
             return other && equal(member.second, *other);
           });
  }
  if (const auto* space = a.as<Namespace*>()) {
    return *space == *b.as<Namespace*>();
  }
  return a.undefined() || a.none();
}

std::optional<int> compare(const Value& a, const Value& b) {
  const auto sign = [](const auto& x, const auto& y) {
    return x < y ? -1 : y < x ? 1 : 0;
  };
  if (a.integer() && b.integer()) {
    return sign(*a.integer(), *b.integer());
  }
  if (a.number() && b.number()) {
    return sign(*a.number(), *b.number());
  }
  if (a.text() && b.text()) {
    return sign(*a.text(), *b.text()); // UTF-8 keeps the order of characters
  }
  if (!a.items() || !b.items()) {
    return std::nullopt;
  }
  const size_t n = std::min(a.items()->size(), b.items()->size());
  for (size_t i = 0; i < n; ++i) {
    if (!equal((*a.items())[i], (*b.items())[i])) {
      return compare((*a.items())[i], (*b.items())[i]);
    }
  }
  return sign(a.items()->size(), b.items()->size());
}

} // namespace llm::jinja
