// SPDX-License-Identifier: MIT

#include "llm/core/gguf.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <optional>
#include <utility>

#include "llm/core/checked.h"
#include "llm/core/error.h"
#include "llm/core/gguf_cursor.h"
#include "llm/core/utf8.h"

namespace llm {

namespace {

constexpr uint64_t max_entries = 65'536; // keys, and tensors
constexpr uint64_t max_name_bytes = 64;
constexpr uint32_t max_dimensions = 4;
constexpr uint64_t max_dimension = std::numeric_limits<int32_t>::max();

void check_start(GgufCursor& in, GgufHeader& header) {
  const std::string magic = in.text(4, "the 4 bytes \"GGUF\"");
  if (magic != "GGUF") {
    throw InputError(
        in.where(),
        "expected a GGUF file, which begins with \"GGUF\", but received " +
            quote(magic) + "; choose another file.");
  }
  header.version = in.number<uint32_t>("the version");
  if (header.version != 2 && header.version != 3) {
    const bool swapped =
        header.version == 0x02000000 || header.version == 0x03000000;
    throw InputError(
        in.where(),
        "expected GGUF version 2 or 3 but received " +
            (swapped ? "a big-endian file" : std::to_string(header.version)) +
            "; convert the model again.");
  }
}

uint64_t count_of(GgufCursor& in, const std::string& what, uint64_t min_bytes) {
  const auto count = in.number<uint64_t>("the number of " + what);
  if (count > max_entries) {
    in.fail(
        "expected at most " + std::to_string(max_entries) + " " + what +
        " but received " + std::to_string(count));
  }
  in.need(count * min_bytes, std::to_string(count) + " " + what);
  return count;
}

/** The alignment of the data. */
uint64_t alignment_of(const GgufCursor& in, const GgufMetadata& metadata) {
  constexpr std::string_view key = "general.alignment";
  const auto found = metadata.values.find(key);
  if (found == metadata.values.end()) {
    return 32;
  }
  const GgufValue& value = found->second;
  std::string received(gguf_value_type_name(value.type));
  if (value.type == GgufValueType::u32 && !value.is_array) {
    const auto number = static_cast<uint64_t>(gguf_int(metadata, key));
    if (std::has_single_bit(number)) {
      return number;
    }
    received = std::to_string(number);
  }
  in.fail(
      "expected a power of two of type u32 as \"general.alignment\" but "
      "received " +
      std::string(value.is_array ? "an array of " : "") + received);
}

/** Takes the dimensions; returns the elements in all. */
uint64_t
take_shape(GgufCursor& in, GgufTensorInfo& info, const std::string& what) {
  const auto rank = in.number<uint32_t>("the dimensions of " + what);
  if (rank < 1 || rank > max_dimensions) {
    in.fail(
        "expected 1 to 4 dimensions in " + what + " but received " +
        std::to_string(rank));
  }
  std::optional<uint64_t> elements = 1;
  for (uint32_t i = 0; i < rank; ++i) {
    const auto dimension = in.number<uint64_t>("the dimensions of " + what);
    if (dimension < 1 || dimension > max_dimension) {
      in.fail(
          "expected dimensions from 1 to " + std::to_string(max_dimension) +
          " in " + what + " but received " + std::to_string(dimension));
    }
    elements = elements ? checked_mul(*elements, dimension) : std::nullopt;
    info.shape.push_back(static_cast<int64_t>(dimension));
  }
  if (!elements) {
    in.fail("expected fewer than 2^64 elements in " + what);
  }
  std::reverse(info.shape.begin(), info.shape.end());
  return *elements;
}

GgufTensorInfo tensor_of(GgufCursor& in, const std::string& what) {
  GgufTensorInfo info;
  const uint64_t elements = take_shape(in, info, what);
  const auto id = in.number<uint32_t>("the type of " + what);
  info.type = find_gguf_type(id);
  if (info.type == nullptr) {
    throw InputError(
        in.where(),
        "expected one of the types " + supported_gguf_types() + " in " + what +
            " but received " + gguf_type_name(id) + "; choose a file in " +
            "another quantization.");
  }
  if (info.shape.back() % info.type->block_elements != 0) {
    in.fail(
        "expected rows of a multiple of " +
        std::to_string(info.type->block_elements) + " elements for " +
        std::string(info.type->name) + " in " + what + " but received " +
        std::to_string(info.shape.back()));
  }
  info.begin = in.number<uint64_t>("the offset of " + what);
  const auto bytes = checked_mul<uint64_t>(
      elements / info.type->block_elements, info.type->block_bytes);
  const auto end = bytes ? checked_add(info.begin, *bytes) : std::nullopt;
  if (!end) {
    in.fail("expected " + what + " to end before byte 2^64");
  }
  info.end = *end;
  return info;
}

void take_tensors(GgufCursor& in, uint64_t count, GgufHeader& header) {
  for (uint64_t i = 0; i < count; ++i) {
    std::string name = in.name(max_name_bytes, "tensor", i);
    const std::string what = "tensor " + quote(name);
    GgufTensorInfo info = tensor_of(in, what);
    if (!header.tensors.emplace(std::move(name), std::move(info)).second) {
      in.fail("expected each tensor once but received " + what + " twice");
    }
  }
}

/** `place` rounded up to the alignment, or nothing. */
std::optional<uint64_t> padded(uint64_t place, uint64_t alignment) {
  const auto sum = checked_add(place, alignment - 1);
  return sum ? std::optional(*sum - *sum % alignment) : std::nullopt;
}

using Entry = const std::pair<const std::string, GgufTensorInfo>*;

std::vector<Entry> in_order_of_data(const GgufHeader& header) {
  std::vector<Entry> order;
  for (const auto& entry : header.tensors) {
    order.push_back(&entry);
  }
  std::sort(order.begin(), order.end(), [](Entry a, Entry b) {
    return a->second.begin < b->second.begin;
  });
  return order;
}

/** Places the data behind the header. Each tensor begins where the one before
 * ends, padded; the file ends with the last one, padded or not. */
void check_ranges(const GgufCursor& in, GgufHeader& header) {
  const auto start = padded(in.place(), header.alignment);
  std::optional<uint64_t> place = 0;        // in the data
  std::optional<uint64_t> end = in.place(); // in the file
  std::string before = "the header";
  for (const Entry entry : in_order_of_data(header)) {
    const auto& [name, info] = *entry;
    if (place != info.begin) {
      in.fail(
          "expected tensor " + quote(name) + " to begin at byte " +
          (place ? std::to_string(*place) : "2^64") + " of the data, behind " +
          before + ", but received " + std::to_string(info.begin));
    }
    end = start ? checked_add(*start, info.end) : std::nullopt;
    before = "tensor " + quote(name);
    if (!end || *end > in.size()) {
      in.fail(
          "expected " + before + " within the file of " +
          std::to_string(in.size()) + " bytes but it would end behind it");
    }
    place = padded(info.end, header.alignment);
  }
  if (in.size() != *end && in.size() != padded(*end, header.alignment)) {
    in.fail(
        "expected the file to end at byte " + std::to_string(*end) +
        ", behind " + before + ", but it has " + std::to_string(in.size()) +
        " bytes");
  }
  header.data_offset = start.value_or(in.size());
}

} // namespace

GgufHeader parse_gguf_header(const ByteSource& source, std::string_view where) {
  static_assert(
      std::endian::native == std::endian::little,
      "the numbers of a file are copied as they are");
  GgufCursor in(source, where);
  GgufHeader header;
  check_start(in, header);
  constexpr uint64_t min_tensor = 8 + 1 + 4 + 8 + 4 + 8;
  constexpr uint64_t min_pair = 8 + 1 + 4 + 1;
  const uint64_t tensors = count_of(in, "tensors", min_tensor);
  const uint64_t pairs = count_of(in, "keys", min_pair);
  header.metadata = take_gguf_metadata(in, pairs);
  header.alignment = alignment_of(in, header.metadata);
  take_tensors(in, tensors, header);
  check_ranges(in, header);
  return header;
}

} // namespace llm
