// SPDX-License-Identifier: MIT
//
// Safetensors headers: an accepted header has disjoint ranges that cover the
// data exactly. The last two bytes of the input are the number of data bytes;
// the first one decides whether the length field is raw or fits the text, as a
// fuzzer hardly guesses it.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "llm/core/error.h"
#include "llm/core/safetensors.h"

namespace {

void check(const llm::SafetensorsHeader& header, uint64_t data_bytes) {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (const auto& [name, info] : header.tensors) {
    ranges.emplace_back(info.begin, info.end);
  }
  std::sort(ranges.begin(), ranges.end());
  uint64_t place = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin != place || end < begin) {
      std::abort();
    }
    place = end;
  }
  if (place != data_bytes) {
    std::abort();
  }
  // What was read can be written, and reads the same.
  const std::string bytes =
      llm::safetensors_header_bytes(header.tensors, header.metadata);
  const auto again =
      llm::parse_safetensors_header(bytes, bytes.size() + data_bytes, "again");
  if (again.tensors.size() != header.tensors.size() ||
      again.metadata != header.metadata) {
    std::abort();
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 3) {
    return 0;
  }
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 3);
  if (data[0] % 8 != 0) {
    std::string length(8, '\0');
    for (size_t i = 0; i < 8; ++i) {
      length[i] = static_cast<char>(bytes.size() >> (8 * i) & 0xFF);
    }
    bytes = length + bytes;
  }
  const uint64_t file_size =
      bytes.size() + data[size - 2] + 256u * data[size - 1];
  try {
    const auto header = llm::parse_safetensors_header(bytes, file_size, "fuzz");
    check(header, file_size - header.data_offset);
  } catch (const llm::InputError&) {
  }
  return 0;
}
