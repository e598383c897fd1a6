// SPDX-License-Identifier: MIT

#include <cmath>

#include "llm/core/error.h"
#include "llm/core/json.h"
#include "llm/core/utf8.h"

namespace llm {

namespace {

[[noreturn]] void wrong_value(
    const Json& value,
    std::string_view key,
    std::string_view where,
    const std::string& expected) {
  const std::string received =
      value.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace);
  throw InputError(
      where,
      "expected " + expected + " for " + quote(key) + " but received " +
          (received.size() <= 60 ? escape_text(received) : quote(received)) +
          "; correct the value.");
}

} // namespace

namespace detail {

const Json*
json_find(const Json& object, std::string_view key, std::string_view where) {
  if (!object.is_object()) {
    throw InputError(
        where,
        "expected an object with the key " + quote(key) + " but received " +
            std::string(object.type_name()) + "; correct the file.");
  }
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

void json_missing(
    std::string_view key,
    std::string_view expected,
    std::string_view where) {
  throw InputError(
      where,
      "expected " + std::string(expected) + " for " + quote(key) +
          " but the key is missing; add it.");
}

bool json_bool(
    const Json& value,
    std::string_view key,
    std::string_view where) {
  if (!value.is_boolean()) {
    wrong_value(value, key, where, "true or false");
  }
  return value.get<bool>();
}

int64_t json_signed(
    const Json& value,
    std::string_view key,
    std::string_view where,
    int64_t min,
    int64_t max) {
  // Non-negative numbers are stored as unsigned, negative ones as signed.
  const bool fits = value.is_number_unsigned()
      ? value.get<uint64_t>() <= static_cast<uint64_t>(max)
      : value.is_number_integer() && value.get<int64_t>() >= min &&
          value.get<int64_t>() <= max;
  if (!fits) {
    wrong_value(
        value,
        key,
        where,
        "an integer from " + std::to_string(min) + " to " +
            std::to_string(max));
  }
  return value.get<int64_t>();
}

uint64_t json_unsigned(
    const Json& value,
    std::string_view key,
    std::string_view where,
    uint64_t max) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > max) {
    wrong_value(
        value, key, where, "an integer from 0 to " + std::to_string(max));
  }
  return value.get<uint64_t>();
}

double json_number(
    const Json& value,
    std::string_view key,
    std::string_view where,
    double max) {
  if (!value.is_number()) {
    wrong_value(value, key, where, "a number");
  }
  const double number = value.get<double>();
  if (!(std::fabs(number) <= max)) {
    wrong_value(value, key, where, "a number that fits the type");
  }
  return number;
}

std::string
json_string(const Json& value, std::string_view key, std::string_view where) {
  if (!value.is_string()) {
    wrong_value(value, key, where, "a string");
  }
  return value.get<std::string>();
}

} // namespace detail

} // namespace llm
