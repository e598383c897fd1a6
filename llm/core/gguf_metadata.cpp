// SPDX-License-Identifier: MIT

#include "llm/core/gguf_metadata.h"

#include <cmath>
#include <cstring>
#include <iterator>
#include <optional>
#include <utility>

#include "llm/core/checked.h"
#include "llm/core/error.h"
#include "llm/core/utf8.h"

namespace llm {

namespace {

struct TypeName {
  std::string_view name;
  size_t size;
};

constexpr TypeName type_names[] = {
    {"u8", 1},
    {"i8", 1},
    {"u16", 2},
    {"i16", 2},
    {"u32", 4},
    {"i32", 4},
    {"f32", 4},
    {"bool", 1},
    {"string", 0},
    {"array", 0},
    {"u64", 8},
    {"i64", 8},
    {"f64", 8},
};

std::string described(const GgufValue& value) {
  const std::string name(gguf_value_type_name(value.type));
  return value.is_array
      ? "an array of " + std::to_string(value.count) + " " + name
      : "a " + name;
}

[[noreturn]] void fail(
    const GgufMetadata& metadata,
    std::string_view key,
    std::string_view expected,
    const std::string& received) {
  throw InputError(
      metadata.where,
      "expected " + std::string(expected) + " as " + quote(key) +
          " but received " + received + "; choose another file.");
}

const GgufValue& value_of(
    const GgufMetadata& metadata,
    std::string_view key,
    std::string_view expected,
    bool is_array) {
  const auto found = metadata.values.find(key);
  if (found == metadata.values.end()) {
    fail(metadata, key, expected, "no such key");
  }
  if (found->second.is_array != is_array) {
    fail(metadata, key, expected, described(found->second));
  }
  return found->second;
}

template <class T>
T load(const GgufValue& value, uint64_t index) {
  T number;
  std::memcpy(&number, value.bytes.data() + index * sizeof(T), sizeof(T));
  return number;
}

/** Element `index` as an integer, or nothing. */
std::optional<int64_t> integer(const GgufValue& value, uint64_t index) {
  using Type = GgufValueType;
  switch (value.type) {
    case Type::u8:
      return load<uint8_t>(value, index);
    case Type::i8:
      return load<int8_t>(value, index);
    case Type::u16:
      return load<uint16_t>(value, index);
    case Type::i16:
      return load<int16_t>(value, index);
    case Type::u32:
      return load<uint32_t>(value, index);
    case Type::i32:
      return load<int32_t>(value, index);
    case Type::u64:
      return checked_cast<int64_t>(load<uint64_t>(value, index));
    case Type::i64:
      return load<int64_t>(value, index);
    default:
      return std::nullopt;
  }
}

/** Element `index` as a finite number, or nothing. */
std::optional<double> real(const GgufValue& value, uint64_t index) {
  double number = 0;
  if (value.type == GgufValueType::f32) {
    number = load<float>(value, index);
  } else if (value.type == GgufValueType::f64) {
    number = load<double>(value, index);
  } else if (const auto whole = integer(value, index)) {
    number = static_cast<double>(*whole);
  } else {
    return std::nullopt;
  }
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

std::optional<bool> truth(const GgufValue& value, uint64_t index) {
  return value.type == GgufValueType::boolean
      ? std::optional(value.bytes[index] != 0)
      : std::nullopt;
}

std::optional<std::string> text(const GgufValue& value, uint64_t index) {
  if (value.type != GgufValueType::string) {
    return std::nullopt;
  }
  if (!value.is_array) {
    return value.bytes;
  }
  const uint64_t begin = index == 0 ? 0 : value.ends[index - 1];
  return value.bytes.substr(begin, value.ends[index] - begin);
}

template <class T>
using Reader = std::optional<T> (*)(const GgufValue&, uint64_t);

template <class T>
T one(
    const GgufMetadata& metadata,
    std::string_view key,
    std::string_view expected,
    Reader<T> read) {
  const GgufValue& value = value_of(metadata, key, expected, false);
  const std::optional<T> result = read(value, 0);
  if (!result) {
    fail(metadata, key, expected, described(value));
  }
  return *result;
}

template <class T>
std::vector<T> all(
    const GgufMetadata& metadata,
    std::string_view key,
    std::string_view expected,
    Reader<T> read) {
  const GgufValue& value = value_of(metadata, key, expected, true);
  std::vector<T> results;
  results.reserve(value.count);
  for (uint64_t i = 0; i < value.count; ++i) {
    std::optional<T> result = read(value, i);
    if (!result) {
      fail(metadata, key, expected, described(value));
    }
    results.push_back(std::move(*result));
  }
  return results;
}

} // namespace

std::string_view gguf_value_type_name(GgufValueType type) {
  const auto number = static_cast<size_t>(type);
  return number < std::size(type_names) ? type_names[number].name : "unknown";
}

size_t gguf_value_size(GgufValueType type) {
  const auto number = static_cast<size_t>(type);
  return number < std::size(type_names) ? type_names[number].size : 0;
}

int64_t gguf_int(const GgufMetadata& metadata, std::string_view key) {
  return one<int64_t>(metadata, key, "an integer of 64 bits", integer);
}

double gguf_float(const GgufMetadata& metadata, std::string_view key) {
  return one<double>(metadata, key, "a finite number", real);
}

bool gguf_bool(const GgufMetadata& metadata, std::string_view key) {
  return one<bool>(metadata, key, "true or false", truth);
}

std::string gguf_string(const GgufMetadata& metadata, std::string_view key) {
  return one<std::string>(metadata, key, "a string", text);
}

std::vector<int64_t> gguf_ints(
    const GgufMetadata& metadata,
    std::string_view key) {
  return all<int64_t>(metadata, key, "an array of integers", integer);
}

std::vector<double> gguf_floats(
    const GgufMetadata& metadata,
    std::string_view key) {
  return all<double>(metadata, key, "an array of finite numbers", real);
}

std::vector<bool> gguf_bools(
    const GgufMetadata& metadata,
    std::string_view key) {
  return all<bool>(metadata, key, "an array of true and false", truth);
}

std::vector<std::string> gguf_strings(
    const GgufMetadata& metadata,
    std::string_view key) {
  return all<std::string>(metadata, key, "an array of strings", text);
}

int64_t gguf_int_or(
    const GgufMetadata& metadata,
    std::string_view key,
    int64_t fallback) {
  return metadata.contains(key) ? gguf_int(metadata, key) : fallback;
}

double gguf_float_or(
    const GgufMetadata& metadata,
    std::string_view key,
    double fallback) {
  return metadata.contains(key) ? gguf_float(metadata, key) : fallback;
}

bool gguf_bool_or(
    const GgufMetadata& metadata,
    std::string_view key,
    bool fallback) {
  return metadata.contains(key) ? gguf_bool(metadata, key) : fallback;
}

std::string gguf_string_or(
    const GgufMetadata& metadata,
    std::string_view key,
    const std::string& fallback) {
  return metadata.contains(key) ? gguf_string(metadata, key) : fallback;
}

} // namespace llm
