// SPDX-License-Identifier: MIT
//
// Values as text: str(), repr() and json.dumps() of Python.

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "llm/core/utf8.h"
#include "llm/tokenizers/jinja_value.h"

namespace llm::jinja {
namespace {

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
        std::sort(
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

std::string to_json(const Value& value, const JsonStyle& style) {
  JsonWriter writer(style);
  writer.write(value, 0);
  return std::move(writer.out);
}

} // namespace llm::jinja
