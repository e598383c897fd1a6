// SPDX-License-Identifier: MIT
//
// The key-value pairs of a GGUF file ("llama.block_count" = 30). Values keep
// the bytes of the file, so a hostile array takes no more memory than it takes
// in the file; the functions below turn them into C++ types, checked.

#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace llm {

/** The numbers are the format's. */
enum class GgufValueType : uint32_t {
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  f32,
  boolean,
  string,
  array,
  u64,
  i64,
  f64
};

/** A value or an array of values. */
struct GgufValue {
  GgufValueType type = GgufValueType::u8; ///< of an array: of its elements
  bool is_array = false;
  uint64_t count = 1; ///< elements of an array
  std::string bytes;  ///< one element after the other; text without lengths
  std::vector<uint64_t> ends; ///< array of strings: where each ends in bytes
};

struct GgufMetadata {
  std::map<std::string, GgufValue, std::less<>> values;
  std::string where; ///< the file, for messages

  bool contains(std::string_view key) const {
    return values.find(key) != values.end();
  }
};

/**
 * The value of a key. InputError names the file, the key, the expected and the
 * received type when it is missing or of another type, does not fit, or is not
 * finite. Any integer type is an integer; a float may be written as an integer.
 */
int64_t gguf_int(const GgufMetadata& metadata, std::string_view key);
double gguf_float(const GgufMetadata& metadata, std::string_view key);
bool gguf_bool(const GgufMetadata& metadata, std::string_view key);
/** The bytes as they are: the file need not hold valid UTF-8. */
std::string gguf_string(const GgufMetadata& metadata, std::string_view key);

std::vector<int64_t> gguf_ints(
    const GgufMetadata& metadata,
    std::string_view key);
std::vector<double> gguf_floats(
    const GgufMetadata& metadata,
    std::string_view key);
std::vector<bool> gguf_bools(
    const GgufMetadata& metadata,
    std::string_view key);
std::vector<std::string> gguf_strings(
    const GgufMetadata& metadata,
    std::string_view key);

/** The same, but `fallback` when the key is absent. */
int64_t
gguf_int_or(const GgufMetadata&, std::string_view key, int64_t fallback);
double
gguf_float_or(const GgufMetadata&, std::string_view key, double fallback);
bool gguf_bool_or(const GgufMetadata&, std::string_view key, bool fallback);
std::string gguf_string_or(
    const GgufMetadata&,
    std::string_view key,
    const std::string& fallback);

/** "u32", "string", ...: what a message calls a type. */
std::string_view gguf_value_type_name(GgufValueType type);

/** Bytes of one value; 0 for strings and arrays, whose length is theirs. */
size_t gguf_value_size(GgufValueType type);

} // namespace llm
