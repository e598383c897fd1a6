// SPDX-License-Identifier: MIT
//
// Attributes and methods of str, list and dict. Characters are code points, as
// in Python.

#include <algorithm>
#include <array>

#include "llm/core/utf8.h"
#include "llm/tokenizers/jinja_functions.h"
#include "llm/tokenizers/jinja_lexer.h"

namespace llm::jinja {
namespace {

constexpr std::array<std::string_view, 19> text_methods = {
    "strip",
    "lstrip",
    "rstrip",
    "split",
    "rsplit",
    "startswith",
    "endswith",
    "replace",
    "upper",
    "lower",
    "title",
    "capitalize",
    "find",
    "count",
    "join",
    "removeprefix",
    "removesuffix",
    "isdigit",
    "splitlines"};
constexpr std::array<std::string_view, 4> dict_methods = {
    "items",
    "keys",
    "values",
    "get"};
constexpr std::array<std::string_view, 2> list_methods = {"index", "count"};

template <class List>
bool has(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

/// Words between white space; at most `most` cuts, counted from the left.
Values split_words(const std::string& text, int64_t most) {
  const std::u32string all = decode_utf8(text);
  Values out;
  size_t at = 0;
  for (;;) {
    while (at < all.size() && is_space(all[at])) {
      ++at;
    }
    if (at == all.size()) {
      return out;
    }
    size_t end = at;
    if (most == 0) {
      end = all.size();
      while (end > at && is_space(all[end - 1])) {
        --end;
      }
      out.emplace_back(encode_utf8(all.substr(at, end - at)));
      return out;
    }
    while (end < all.size() && !is_space(all[end])) {
      ++end;
    }
    out.emplace_back(encode_utf8(all.substr(at, end - at)));
    at = end;
    --most;
  }
}

Values split(
    const std::string& text,
    const Value* separator,
    int64_t most,
    bool from_right) {
  if (!separator || separator->none()) {
    if (from_right && most >= 0) {
      throw std::invalid_argument("rsplit needs a separator.");
    }
    return split_words(text, most);
  }
  const std::string& sign = text_of(separator);
  if (sign.empty()) {
    throw std::invalid_argument("an empty separator.");
  }
  Values out;
  std::string_view rest = text;
  for (int64_t cuts = 0; most < 0 || cuts < most; ++cuts) {
    const size_t at = from_right ? rest.rfind(sign) : rest.find(sign);
    if (at == rest.npos) {
      break;
    }
    const size_t behind = at + sign.size();
    out.emplace_back(from_right ? rest.substr(behind) : rest.substr(0, at));
    rest = from_right ? rest.substr(0, at) : rest.substr(behind);
  }
  out.emplace_back(rest);
  if (from_right) {
    std::reverse(out.begin(), out.end());
  }
  return out;
}

Values split_lines(const std::string& text) {
  Values out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    out.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

/// text.startswith(what): a string or several.
bool fits(const std::string& text, const Value* what, bool at_start) {
  if (what && what->items()) {
    const Values& items = *what->items();
    return std::any_of(items.begin(), items.end(), [&](const Value& item) {
      return fits(text, &item, at_start);
    });
  }
  const std::string& part = text_of(what);
  return at_start ? text.starts_with(part) : text.ends_with(part);
}

int64_t find_text(const std::string& text, const std::string& part) {
  const size_t at = text.find(part);
  return at == text.npos
      ? -1
      : static_cast<int64_t>(decode_utf8(text.substr(0, at)).size());
}

int64_t count_text(const std::string& text, const std::string& part) {
  if (part.empty()) {
    return static_cast<int64_t>(decode_utf8(text).size()) + 1;
  }
  int64_t count = 0;
  for (size_t at = text.find(part); at != text.npos;
       at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

Value text_method(
    const std::string& text,
    const std::string& name,
    const Arguments& arguments,
    Budget& budget) {
  const Value* first = arguments.get(0, "sep");
  const Value* second = arguments.get(1, "maxsplit");
  budget.spend_bytes(text.size());
  if (name == "strip" || name == "lstrip" || name == "rstrip") {
    return strip(text, first, name == "strip" ? 3 : name == "lstrip" ? 1 : 2);
  }
  if (name == "split" || name == "rsplit" || name == "splitlines") {
    Values parts = name == "splitlines"
        ? split_lines(text)
        : split(text, first, integer_or(second, -1), name == "rsplit");
    budget.spend(parts.size());
    return Value::list(std::move(parts));
  }
  if (name == "startswith" || name == "endswith") {
    return fits(text, first, name == "startswith");
  }
  if (name == "replace") {
    return replace(
        text,
        text_of(first),
        text_of(second),
        integer_or(arguments.get(2, "count"), -1),
        budget);
  }
  if (name == "find" || name == "count") {
    const std::string& part = text_of(first);
    return name == "find" ? find_text(text, part) : count_text(text, part);
  }
  if (name == "join") {
    return join(iterate(first ? *first : Value(), budget), text, budget);
  }
  if (name == "removeprefix" || name == "removesuffix") {
    const bool start = name == "removeprefix";
    const size_t n = fits(text, first, start) ? text_of(first).size() : 0;
    return start ? text.substr(n) : text.substr(0, text.size() - n);
  }
  if (name == "isdigit") {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
      return c >= '0' && c <= '9';
    });
  }
  return apply_filter(name, {{Value(text)}, {}}, budget); // upper, lower, ...
}

} // namespace

bool has_method(const Value& object, const std::string& name) {
  return object.text() ? has(text_methods, name)
      : object.dict()  ? has(dict_methods, name)
                       : object.items() && has(list_methods, name);
}

Value attribute_of(
    const Value& object,
    const std::string& name,
    Budget& budget) {
  if (const auto* undefined = object.as<Undefined>()) {
    throw std::invalid_argument(
        "'" + undefined->name + "' is undefined, so it has no " + name + ".");
  }
  if (has_method(object, name)) {
    return Value::function([object, name, &budget](const Arguments& a) {
      return call_method(object, name, a, budget);
    });
  }
  const Value* found = nullptr;
  if (object.dict()) {
    budget.spend(1 + object.dict()->members.size() / 8);
    found = object.dict()->find(name);
  } else if (const auto* space = object.as<Namespace*>()) {
    const auto member = (*space)->members.find(name);
    found = member == (*space)->members.end() ? nullptr : &member->second;
  }
  return found ? *found : Value(Undefined{name});
}

Value call_method(
    const Value& object,
    const std::string& name,
    const Arguments& arguments,
    Budget& budget) {
  if (object.text()) {
    return text_method(*object.text(), name, arguments, budget);
  }
  if (const Dict* dict = object.dict()) {
    if (name == "get") {
      const Value* found = dict->find(text_of(arguments.get(0, "key")));
      const Value* fallback = arguments.get(1, "default");
      return found ? *found : fallback ? *fallback : Value(None{});
    }
    Values out;
    for (const auto& [key, value] : dict->members) {
      out.push_back(
          name == "keys"         ? Value(key)
              : name == "values" ? value
                                 : Value::list({Value(key), value}));
    }
    budget.spend(out.size() + 1);
    return Value::list(std::move(out));
  }
  const Values& items = *object.items();
  const Value* wanted = arguments.get(0, "value");
  budget.spend(items.size() + 1);
  int64_t count = 0;
  for (size_t i = 0; wanted && i < items.size(); ++i) {
    const bool found = equal(items[i], *wanted);
    if (found && name == "index") {
      return static_cast<int64_t>(i);
    }
    count += found ? 1 : 0;
  }
  if (name == "index") {
    throw std::invalid_argument("the value is not in the list.");
  }
  return count;
}

} // namespace llm::jinja
