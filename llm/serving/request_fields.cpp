// SPDX-License-Identifier: MIT

#include "llm/serving/request_fields.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "llm/core/utf8.h"
#include "llm/serving/error.h"

namespace llm::serving {

namespace {

constexpr double beyond_int64 = 9223372036854775808.0; // 2^63

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

[[noreturn]] void
wrong_type(const Field& field, const std::string& type, const char* fix) {
  refuse("wrong_type", field.param, "as " + type, shown(field.json), fix);
}

/** Changes of one letter between two names (Levenshtein). */
size_t distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t change = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({change, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

/** What to do about an unknown name. */
std::string advice(
    const std::string& name,
    const std::vector<std::string>& known) {
  const std::string* best = nullptr;
  size_t least = std::max<size_t>(2, name.size() / 3) + 1;
  if (name.size() <= 40) { // distance() takes product of lengths
    for (const std::string& other : known) {
      const size_t d = distance(name, other);
      if (d < least && d < other.size()) {
        least = d;
        best = &other;
      }
    }
  }
  return best != nullptr ? "perhaps you mean " + *best + "."
                         : "choose from " + joined(known) + ".";
}

} // namespace

Field Field::at(size_t i) const {
  return {json[i], param + "[" + std::to_string(i) + "]"};
}

void refuse(
    const std::string& code,
    const std::string& param,
    const std::string& expected,
    const std::string& received,
    const std::string& fix) {
  throw ApiError(
      400,
      code,
      "expected " + (param.empty() ? "the body" : param) + " " + expected +
          " but received " + received + "; " + fix + ".",
      param.empty() ? std::nullopt : std::optional(param));
}

std::string name_shown(const std::string& name) {
  const std::string quoted = quote(name);
  return quoted.substr(1, quoted.rfind('"') - 1);
}

std::string shown(const Json& value) {
  if (value.is_array() || value.is_object()) {
    return value.is_array() ? "a list" : "an object";
  }
  const std::string text =
      value.dump(-1, ' ', false, Json::error_handler_t::replace);
  return text.size() <= 60 ? escape_text(text) : quote(text);
}

double read_number(
    const Field& field,
    double low,
    double high,
    const std::string& fix) {
  if (!field.json.is_number()) {
    wrong_type(field, "a number", "send a number");
  }
  const double value = field.json.get<double>();
  if (!(value >= low && value <= high)) {
    refuse(
        "out_of_range",
        field.param,
        "from " + number(low) + " to " + number(high),
        shown(field.json),
        fix);
  }
  return value;
}

int64_t read_whole(
    const Field& field,
    int64_t low,
    int64_t high,
    const std::string& fix) {
  const Json& json = field.json;
  const bool too_large =
      json.is_number_float() && !(std::fabs(json.get<double>()) < beyond_int64);
  if (!json.is_number_integer() && !too_large) {
    wrong_type(field, "a whole number", "write it without a point");
  }
  // What is not negative is stored as unsigned.
  const bool fits = json.is_number_unsigned()
      ? json.get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX)
      : json.is_number_integer();
  if (!fits || !(json.get<int64_t>() >= low && json.get<int64_t>() <= high)) {
    refuse(
        "out_of_range",
        field.param,
        "from " + std::to_string(low) + " to " + std::to_string(high),
        shown(json),
        fix);
  }
  return json.get<int64_t>();
}

int read_index(const Field& field) {
  return static_cast<int>(read_whole(field, 0, INT32_MAX));
}

bool read_bool(const Field& field) {
  if (!field.json.is_boolean()) {
    wrong_type(field, "true or false", "send one of the two");
  }
  return field.json.get<bool>();
}

std::string read_text(const Field& field, size_t low, size_t high) {
  if (!field.json.is_string()) {
    wrong_type(field, "a text", "send a text in quotes");
  }
  const auto& text = field.json.get_ref<const std::string&>();
  if (text.size() < low || text.size() > high) {
    refuse(
        "out_of_range",
        field.param,
        "of " + std::to_string(low) + " to " + std::to_string(high) + " bytes",
        std::to_string(text.size()),
        text.empty() ? "leave it out or fill it" : "shorten it");
  }
  return text;
}

size_t read_list(const Field& field, size_t low, size_t high) {
  if (!field.json.is_array()) {
    wrong_type(field, "a list", "put it in [ ]");
  }
  const size_t size = field.json.size();
  if (size < low || size > high) {
    refuse(
        "out_of_range",
        field.param,
        "with " + std::to_string(low) + " to " + std::to_string(high) +
            " elements",
        std::to_string(size),
        size < low ? "add some" : "remove some");
  }
  return size;
}

std::vector<int32_t> read_ids(const Field& field, size_t low, size_t high) {
  std::vector<int32_t> ids(read_list(field, low, high));
  for (size_t i = 0; i < ids.size(); ++i) {
    ids[i] = read_index(field.at(i));
  }
  return ids;
}

Fields::Fields(
    const Field& object,
    const std::vector<std::string>& known,
    bool null_is_absent)
    : object_(object.json),
      param_(object.param),
      null_is_absent_(null_is_absent) {
  if (!object.json.is_object()) {
    wrong_type(object, "an object", "put the parameters in { }");
  }
  for (const auto& [name, value] : object.json.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw ApiError(
          400,
          "unknown_param",
          "expected a parameter of this request but received " + quote(name) +
              "; " + advice(name, known),
          path(name_shown(name)));
    }
  }
}

std::string Fields::path(const std::string& name) const {
  return param_.empty() ? name : param_ + "." + name;
}

bool Fields::has(const std::string& name) const {
  const auto it = object_.find(name);
  return it != object_.end() && !(null_is_absent_ && it->is_null());
}

Field Fields::operator[](const std::string& name) const {
  if (!has(name)) {
    refuse("missing_param", path(name), "in the request", "none", "add it");
  }
  return {*object_.find(name), path(name)};
}

int64_t Fields::whole(
    const std::string& name,
    int64_t low,
    int64_t high,
    int64_t fallback,
    const std::string& fix) const {
  return has(name) ? read_whole((*this)[name], low, high, fix) : fallback;
}

bool Fields::flag(const std::string& name, bool fallback) const {
  return has(name) ? read_bool((*this)[name]) : fallback;
}

std::string Fields::text(const std::string& name, const std::string& fallback)
    const {
  return has(name) ? read_text((*this)[name]) : fallback;
}

void expect_one_of(
    const Fields& fields,
    const std::string& a,
    const std::string& b) {
  if (fields.has(a) != fields.has(b)) {
    return;
  }
  const bool both = fields.has(a);
  throw ApiError(
      400,
      both ? "invalid_value" : "missing_param",
      "expected " + a + " or " + b + " but received " +
          (both ? "both" : "neither") + "; send one of them.",
      both ? b : a);
}

void expect_different(const Field& field, std::vector<int32_t> numbers) {
  std::sort(numbers.begin(), numbers.end());
  const auto twice = std::adjacent_find(numbers.begin(), numbers.end());
  if (twice != numbers.end()) {
    refuse(
        "invalid_value",
        field.param,
        "with different numbers",
        std::to_string(*twice) + " twice",
        "remove one of the two");
  }
}

} // namespace llm::serving
