// SPDX-License-Identifier: MIT

#include "llm/core/safetensors.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "llm/core/checked.h"
#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/core/json.h"
#include "llm/core/utf8.h"

namespace llm {

namespace {

constexpr uint64_t max_header_bytes = 100'000'000; // the reference's limit
constexpr size_t max_rank = 8;
constexpr int64_t max_dimension = std::numeric_limits<int32_t>::max();
constexpr std::string_view metadata_key = "__metadata__";
constexpr uint64_t length_bytes = 8; // the number before the JSON

constexpr std::pair<std::string_view, int> dtype_bits[] = {
    {"BOOL", 8},        {"F4", 4},          {"F6_E2M3", 6}, {"F6_E3M2", 6},
    {"U8", 8},          {"I8", 8},          {"F8_E5M2", 8}, {"F8_E4M3", 8},
    {"F8_E8M0", 8},     {"I16", 16},        {"U16", 16},    {"F16", 16},
    {"BF16", 16},       {"I32", 32},        {"U32", 32},    {"F32", 32},
    {"C64", 64},        {"F64", 64},        {"I64", 64},    {"U64", 64},
    {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8},
};

[[noreturn]] void fail(std::string_view where, const std::string& message) {
  throw InputError(
      where, message + "; the file is damaged: copy or save it again.");
}

std::string tensor_name(std::string_view name) {
  return "tensor " + quote(name);
}

uint64_t read_length(std::string_view bytes) {
  uint64_t length = 0;
  for (size_t i = length_bytes; i-- > 0;) { // little endian
    length = length << 8 | static_cast<unsigned char>(bytes[i]);
  }
  return length;
}

/** The number n of a file of `file_size` bytes, checked. */
uint64_t checked_length(
    std::string_view first_bytes,
    uint64_t file_size,
    std::string_view where) {
  if (file_size < length_bytes || first_bytes.size() < length_bytes) {
    fail(
        where,
        "expected at least 8 bytes but received " +
            std::to_string(std::min<uint64_t>(file_size, first_bytes.size())));
  }
  const uint64_t length = read_length(first_bytes);
  if (length > max_header_bytes || length > file_size - length_bytes) {
    fail(
        where,
        "expected a header within the file of " + std::to_string(file_size) +
            " bytes and at most " + std::to_string(max_header_bytes) +
            " bytes but received the length " + std::to_string(length));
  }
  return length;
}

/** value as a whole number that fits, or a message with `what`. */
uint64_t whole_number(
    const Json& value,
    uint64_t max,
    const std::string& what,
    std::string_view where) {
  if (!value.is_number_unsigned() || value.get<uint64_t>() > max) {
    fail(
        where,
        "expected whole numbers from 0 to " + std::to_string(max) + " as " +
            what + " but received " + quote(value.dump()));
  }
  return value.get<uint64_t>();
}

const Json& array_member(
    const Json& entry,
    const char* key,
    const std::string& name,
    std::string_view where) {
  const auto found = entry.find(key);
  if (found == entry.end() || !found->is_array()) {
    fail(where, "expected the array " + quote(key) + " in " + name);
  }
  return *found;
}

TensorInfo parse_tensor(
    const Json& entry,
    std::string_view tensor,
    std::string_view where) {
  const std::string name = tensor_name(tensor);
  if (!entry.is_object()) {
    fail(where, "expected an object for " + name);
  }
  TensorInfo info;
  const auto dtype = entry.find("dtype");
  if (dtype == entry.end() || !dtype->is_string()) {
    fail(where, "expected the string \"dtype\" in " + name);
  }
  info.dtype = dtype->get<std::string>();
  const Json& shape = array_member(entry, "shape", name, where);
  if (shape.size() > max_rank) {
    fail(
        where,
        "expected at most " + std::to_string(max_rank) + " dimensions in " +
            name + " but received " + std::to_string(shape.size()));
  }
  for (const Json& dimension : shape) {
    info.shape.push_back(static_cast<int64_t>(whole_number(
        dimension, max_dimension, "dimensions of " + name, where)));
  }
  const Json& offsets = array_member(entry, "data_offsets", name, where);
  if (offsets.size() != 2) {
    fail(
        where,
        "expected 2 \"data_offsets\" in " + name + " but received " +
            std::to_string(offsets.size()));
  }
  const uint64_t max = std::numeric_limits<uint64_t>::max();
  info.begin = whole_number(offsets[0], max, "offsets of " + name, where);
  info.end = whole_number(offsets[1], max, "offsets of " + name, where);
  return info;
}

std::map<std::string, std::string> parse_metadata(
    const Json& entry,
    std::string_view where) {
  // MLX writes null for none, and the reference reads it.
  if (!entry.is_object() && !entry.is_null()) {
    fail(where, "expected an object for \"__metadata__\"");
  }
  std::map<std::string, std::string> metadata;
  for (const auto& [key, value] : entry.items()) {
    if (!value.is_string()) {
      fail(
          where,
          "expected a string for " + quote(key) + " in \"__metadata__\"");
    }
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

std::string shape_text(const TensorInfo& info) {
  std::string text = info.dtype + " [";
  for (size_t i = 0; i < info.shape.size(); ++i) {
    text += (i == 0 ? "" : ",") + std::to_string(info.shape[i]);
  }
  return text + "]";
}

/** Bytes of a tensor; messages end with `what`, which names it. */
uint64_t tensor_bytes(
    std::string_view dtype,
    const std::vector<int64_t>& shape,
    const std::string& what,
    std::string_view where) {
  const int bits = safetensors_dtype_bits(dtype);
  if (bits == 0) {
    throw InputError(
        where,
        "expected an element type such as F32, F16 or BF16 but received " +
            quote(dtype) + what + "; convert the file.");
  }
  std::optional<uint64_t> total = 1;
  for (const int64_t dimension : shape) {
    const auto factor = checked_cast<uint64_t>(dimension);
    total = total && factor ? checked_mul(*total, *factor) : std::nullopt;
  }
  total =
      total ? checked_mul(*total, static_cast<uint64_t>(bits)) : std::nullopt;
  if (!total || *total % 8 != 0) {
    fail(
        where,
        "expected a shape with a whole number of bytes in 64 bits but "
        "received " +
            shape_text({std::string(dtype), shape, 0, 0}) + what);
  }
  return *total / 8;
}

/** Ranges must follow each other without a gap through the file's last byte. */
void check_ranges(
    const std::map<std::string, TensorInfo>& tensors,
    uint64_t data_bytes,
    std::string_view where) {
  using Entry = const std::pair<const std::string, TensorInfo>*;
  std::vector<Entry> order;
  for (const auto& entry : tensors) {
    order.push_back(&entry);
  }
  std::sort(order.begin(), order.end(), [](Entry a, Entry b) {
    return std::pair(a->second.begin, a->second.end) <
        std::pair(b->second.begin, b->second.end);
  });
  uint64_t place = 0;
  std::string before = "the header";
  for (const Entry entry : order) {
    const auto& [name, info] = *entry;
    if (info.begin != place || info.end < info.begin) {
      fail(
          where,
          "expected " + tensor_name(name) + " to begin at byte " +
              std::to_string(place) + ", where " + before +
              " ends, but received the range " + std::to_string(info.begin) +
              " to " + std::to_string(info.end));
    }
    const uint64_t bytes =
        tensor_bytes(info.dtype, info.shape, " in " + tensor_name(name), where);
    if (info.end - info.begin != bytes) {
      fail(
          where,
          "expected " + std::to_string(bytes) + " bytes for " +
              tensor_name(name) + ", " + shape_text(info) + ", but received " +
              std::to_string(info.end - info.begin));
    }
    place = info.end;
    before = tensor_name(name);
  }
  if (place != data_bytes) {
    fail(
        where,
        "expected " + std::to_string(place) +
            " bytes of tensor data but received " + std::to_string(data_bytes));
  }
}

} // namespace

int safetensors_dtype_bits(std::string_view dtype) {
  for (const auto& [name, bits] : dtype_bits) {
    if (name == dtype) {
      return bits;
    }
  }
  return 0;
}

uint64_t safetensors_tensor_bytes(
    std::string_view dtype,
    const std::vector<int64_t>& shape,
    std::string_view where) {
  return tensor_bytes(dtype, shape, "", where);
}

SafetensorsHeader parse_safetensors_header(
    std::string_view first_bytes,
    uint64_t file_size,
    std::string_view where) {
  const uint64_t length = checked_length(first_bytes, file_size, where);
  if (first_bytes.size() - length_bytes < length) {
    fail(
        where,
        "expected a header of " + std::to_string(length) +
            " bytes but received " +
            std::to_string(first_bytes.size() - length_bytes));
  }
  const std::string_view text = first_bytes.substr(length_bytes, length);
  if (text.empty() || text[0] != '{') {
    fail(where, "expected a header that begins with '{'");
  }
  SafetensorsHeader header;
  header.data_offset = length_bytes + length;
  const Json json = parse_json(text, where);
  for (const auto& [name, entry] : json.items()) {
    if (name == metadata_key) {
      header.metadata = parse_metadata(entry, where);
    } else {
      header.tensors[name] = parse_tensor(entry, name, where);
    }
  }
  check_ranges(header.tensors, file_size - header.data_offset, where);
  return header;
}

SafetensorsHeader read_safetensors_header(const std::filesystem::path& path) {
  const std::string where = path.string();
  uint64_t size = 0;
  const std::string start = read_file_start(path, length_bytes, &size);
  const uint64_t length = checked_length(start, size, where);
  const std::string bytes = read_file_start(path, length_bytes + length, &size);
  return parse_safetensors_header(bytes, size, where);
}

} // namespace llm
