// SPDX-License-Identifier: MIT
//
// JSON from files that we did not write. parse_json is stricter than a plain
// parser: it refuses duplicate keys (a DOM would silently keep one of them),
// nesting deeper than 64, NaN and Infinity, numbers that overflow a double,
// text after the value, a byte order mark, invalid UTF-8 and lone surrogates.
// Objects keep the order of their keys; looking up a key is linear, so iterate
// over a large object (a vocabulary) instead of searching it.
// Only this header includes the whole of nlohmann/json; headers that only name
// the type include <nlohmann/json_fwd.hpp>.

#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include <nlohmann/json.hpp>

namespace llm {

using Json = nlohmann::ordered_json;

/** Arrays and objects inside each other, at most. */
inline constexpr size_t max_json_depth = 64;

/**
 * Parses one JSON text. InputError is "[where] line:column: reason".
 * `where` is the file's name or what the text is. A value of two bytes takes up
 * to 200 in memory: `max_values` bounds that.
 */
Json parse_json(
    std::string_view text,
    std::string_view where,
    size_t max_values = std::numeric_limits<size_t>::max());

/** Reads (at most 256 MiB) and parses a file; `where` is its path. */
Json read_json_file(const std::filesystem::path& path);

namespace detail {

/** object[key], or nullptr when absent; InputError if it is no object. */
const Json*
json_find(const Json& object, std::string_view key, std::string_view where);

[[noreturn]] void json_missing(
    std::string_view key,
    std::string_view expected,
    std::string_view where);

bool json_bool(const Json& value, std::string_view key, std::string_view where);
int64_t json_signed(
    const Json& value,
    std::string_view key,
    std::string_view where,
    int64_t min,
    int64_t max);
uint64_t json_unsigned(
    const Json& value,
    std::string_view key,
    std::string_view where,
    uint64_t max);
double json_number(
    const Json& value,
    std::string_view key,
    std::string_view where,
    double max);
std::string
json_string(const Json& value, std::string_view key, std::string_view where);

/** What a message calls the type T. */
template <class T>
constexpr std::string_view json_type_name() {
  if constexpr (std::is_same_v<T, bool>) {
    return "true or false";
  } else if constexpr (std::is_integral_v<T>) {
    return "an integer";
  } else if constexpr (std::is_floating_point_v<T>) {
    return "a number";
  } else {
    return "a string";
  }
}

template <class T>
T json_as(const Json& value, std::string_view key, std::string_view where) {
  using Limits = std::numeric_limits<T>;
  if constexpr (std::is_same_v<T, bool>) {
    return json_bool(value, key, where);
  } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
    return static_cast<T>(
        json_signed(value, key, where, Limits::min(), Limits::max()));
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(json_unsigned(value, key, where, Limits::max()));
  } else if constexpr (std::is_floating_point_v<T>) {
    const double max = std::is_same_v<T, float>
        ? static_cast<double>(std::numeric_limits<float>::max())
        : std::numeric_limits<double>::max();
    return static_cast<T>(json_number(value, key, where, max));
  } else {
    static_assert(
        std::is_same_v<T, std::string>,
        "json_get reads bool, integers, float, double and std::string");
    return json_string(value, key, where);
  }
}

} // namespace detail

/**
 * object[key] as T: bool, any integer, float, double or std::string. An integer
 * must be written as one (3, not 3.0) and fit T. InputError names the key, the
 * expected type and the received value.
 */
template <class T>
T json_get(const Json& object, std::string_view key, std::string_view where) {
  const Json* value = detail::json_find(object, key, where);
  if (value == nullptr) {
    detail::json_missing(key, detail::json_type_name<T>(), where);
  }
  return detail::json_as<T>(*value, key, where);
}

/** As json_get, but `fallback` when the key is absent or its value is null. */
template <class T>
T json_get_or(
    const Json& object,
    std::string_view key,
    T fallback,
    std::string_view where) {
  const Json* value = detail::json_find(object, key, where);
  if (value == nullptr || value->is_null()) {
    return fallback;
  }
  return detail::json_as<T>(*value, key, where);
}

/** The same for a fallback that is written as a literal. */
inline std::string json_get_or(
    const Json& object,
    std::string_view key,
    const char* fallback,
    std::string_view where) {
  return json_get_or<std::string>(object, key, fallback, where);
}

} // namespace llm
