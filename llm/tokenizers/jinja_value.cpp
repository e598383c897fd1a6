// SPDX-License-Identifier: MIT

#include "llm/tokenizers/jinja_value.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "llm/core/utf8.h"

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

/// repr(float): Python writes an integral float as 1.0, huge ones as 1e+16.
std::string float_text(double x) {
  if (std::isnan(x)) {
    return "nan";
  }
  if (std::isinf(x)) {
    return x > 0 ? "inf" : "-inf";
  }
  if (x == std::floor(x) && std::abs(x) < 1e16) {
    return std::to_string(static_cast<int64_t>(x)) + ".0";
  }
  return Json(x).dump();
}

void append_hex(std::string& out, const char* prefix, int digits, char32_t c) {
  out += prefix;
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    out += "0123456789abcdef"[(c >> shift) & 15];
  }
}

std::string repr_text(const std::string& text) {
  const bool single = text.find('\'') == text.npos ||
      text.find('"') != text.npos; // the quote that repr chooses
  const char32_t quote = single ? U'\'' : U'"';
  std::string out(1, static_cast<char>(quote));
  for (char32_t c : decode_utf8(text)) {
    if (c == quote || c == U'\\') {
      out += '\\';
      out += static_cast<char>(c);
    } else if (c == U'\n' || c == U'\t' || c == U'\r') {
      out += c == U'\n' ? "\\n" : c == U'\t' ? "\\t" : "\\r";
    } else if (c < 0x20 || (c >= 0x7f && c < 0xa1) || c == 0xad) {
      append_hex(out, "\\x", 2, c);
    } else {
      append_utf8(out, c);
    }
  }
  return out + static_cast<char>(quote);
}

void append_json_text(std::string& out, const std::string& text) {
  out += '"';
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\b':
        out += "\\b";
        break;
      case '\f':
        out += "\\f";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          append_hex(out, "\\u", 4, static_cast<unsigned char>(c));
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

class JsonWriter {
 public:
  explicit JsonWriter(const JsonStyle& style) : style_(style) {}

  void write(const Value& value, int level) {
    if (const auto* text = value.text()) {
      append_json_text(out, *text);
    } else if (const auto* items = value.items()) {
      write_all('[', ']', items->size(), level, [&](size_t i) {
        write((*items)[i], level + 1);
      });
    } else if (const Dict* dict = value.dict()) {
      Members members = dict->members;
      if (style_.sort_keys) {
        std::stable_sort(
            members.begin(), members.end(), [](const auto& a, const auto& b) {
              return a.first < b.first;
            });
      }
      write_all('{', '}', members.size(), level, [&](size_t i) {
        append_json_text(out, members[i].first);
        out += style_.key_separator;
        write(members[i].second, level + 1);
      });
    } else if (const bool* flag = value.as<bool>()) {
      out += *flag ? "true" : "false";
    } else if (value.none()) {
      out += "null";
    } else if (const double* number = value.as<double>()) {
      out += std::isnan(*number) ? "NaN"
          : std::isinf(*number)  ? (*number > 0 ? "Infinity" : "-Infinity")
                                 : float_text(*number);
    } else if (value.as<int64_t>()) {
      out += value.str();
    } else {
      throw std::invalid_argument(value.type() + " cannot be written as JSON");
    }
  }

  std::string out;

 private:
  template <class Item>
  void write_all(char open, char close, size_t n, int level, Item item) {
    out += open;
    for (size_t i = 0; i < n; ++i) {
      if (i > 0) {
        out += style_.item_separator;
      }
      new_line(level + 1);
      item(i);
    }
    if (n > 0) {
      new_line(level);
    }
    out += close;
  }

  void new_line(int level) {
    if (style_.indent >= 0) {
      out +=
          "\n" + std::string(static_cast<size_t>(style_.indent * level), ' ');
    }
  }

  const JsonStyle& style_;
};

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

std::string Value::str() const {
  return text() ? *text() : undefined() ? "" : repr();
}

std::string Value::repr() const {
  if (text()) {
    return repr_text(*text());
  }
  if (const bool* flag = as<bool>()) {
    return *flag ? "True" : "False";
  }
  if (const auto* number = as<int64_t>()) {
    return std::to_string(*number);
  }
  if (const double* number = as<double>()) {
    return float_text(*number);
  }
  std::string out;
  if (items()) {
    for (const Value& item : *items()) {
      out += (out.empty() ? "" : ", ") + item.repr();
    }
    return "[" + out + "]";
  }
  if (dict()) {
    for (const auto& [key, value] : dict()->members) {
      out += (out.empty() ? "" : ", ") + repr_text(key) + ": " + value.repr();
    }
    return "{" + out + "}";
  }
  return none() ? "None" : undefined() ? "Undefined" : "<" + type() + ">";
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

std::string to_json(const Value& value, const JsonStyle& style) {
  JsonWriter writer(style);
  writer.write(value, 0);
  return std::move(writer.out);
}

} // namespace llm::jinja
