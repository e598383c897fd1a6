// SPDX-License-Identifier: MIT
//
// GGUF headers: the tensors of an accepted one are aligned, disjoint and inside
// the file, its values can be read, and its blocks converted. Seeds:
// corpus/gguf, made by make_gguf_corpus.py, since a fuzzer hardly guesses a
// whole header.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llm/core/error.h"
#include "llm/core/gguf.h"

namespace {

void check_places(const llm::GgufHeader& header, uint64_t size) {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (const auto& [name, info] : header.tensors) {
    ranges.emplace_back(info.begin, info.end);
  }
  std::sort(ranges.begin(), ranges.end());
  uint64_t place = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin < place || end <= begin || begin % header.alignment != 0 ||
        end > size - header.data_offset) {
      std::abort();
    }
    place = end;
  }
}

/** Each getter gives a value or an InputError; one of them gives a value,
 * except for numbers that are not finite or not below 2^63. */
void read_values(const llm::GgufMetadata& metadata) {
  const auto tried = [](const auto& get) {
    try {
      get();
      return true;
    } catch (const llm::InputError&) {
      return false;
    }
  };
  using Type = llm::GgufValueType;
  for (const auto& [key, value] : metadata.values) {
    bool read = tried([&] { gguf_int(metadata, key); });
    read |= tried([&] { gguf_float(metadata, key); });
    read |= tried([&] { gguf_bool(metadata, key); });
    read |= tried([&] { gguf_string(metadata, key); });
    read |= tried([&] { gguf_ints(metadata, key); });
    read |= tried([&] { gguf_floats(metadata, key); });
    read |= tried([&] { gguf_bools(metadata, key); });
    read |= tried([&] { gguf_strings(metadata, key); });
    if (!read && value.type != Type::f32 && value.type != Type::f64 &&
        value.type != Type::u64) {
      std::abort();
    }
  }
}

/** Into memory of exactly the size that the header says. */
void convert(const llm::GgufTensorInfo& info, const unsigned char* bytes) {
  const llm::GgufType& type = *info.type;
  if (type.bits == 0) {
    return;
  }
  const size_t blocks = (info.end - info.begin) / type.block_bytes;
  size_t elements = 1;
  for (const int64_t dimension : info.shape) {
    elements *= static_cast<size_t>(dimension);
  }
  std::vector<float> numbers(elements);
  llm::gguf_to_floats(type, bytes, blocks, numbers.data());
  std::vector<unsigned char> words(elements * type.bits / 8);
  std::vector<float> scales(elements / type.group);
  std::vector<float> biases(elements / type.group);
  llm::gguf_to_affine(
      type, bytes, blocks, words.data(), scales.data(), biases.data());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  try {
    const auto header =
        llm::parse_gguf_header(llm::MemorySource(bytes), "fuzz");
    check_places(header, size);
    read_values(header.metadata);
    for (const auto& [name, info] : header.tensors) {
      convert(info, data + header.data_offset + info.begin);
    }
  } catch (const llm::InputError&) {
  }
  return 0;
}
