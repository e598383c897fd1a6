// SPDX-License-Identifier: MIT
//
// The header of a GGUF file (version 2 or 3), checked before anybody touches
// the data:
//   "GGUF" version, counts | key-value pairs | tensor infos | padding | data
// Refused beyond what the format says: nested arrays, zero dimensions, types
// that we cannot read, gaps between tensors, more than 65,536 keys or tensors.
// All the header's memory is at most the file's size + 64 MiB.
// Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "llm/core/byte_source.h"
#include "llm/core/gguf_metadata.h"
#include "llm/core/gguf_types.h"

namespace llm {

/** What the header says of one tensor. */
struct GgufTensorInfo {
  const GgufType* type = nullptr; ///< never null in a header
  std::vector<int64_t> shape;     ///< row-major: the last is the row's length
  uint64_t begin = 0;             ///< first byte, counted from data_offset
  uint64_t end = 0;               ///< one past the last byte
};

/** A whole header, valid by construction. */
struct GgufHeader {
  uint32_t version = 0;
  std::map<std::string, GgufTensorInfo> tensors;
  GgufMetadata metadata;
  uint64_t alignment = 32;  ///< tensors begin at multiples of it
  uint64_t data_offset = 0; ///< where the data begins in the file
};

/**
 * Reads and checks the header at the start of `source`; the tensors' data is
 * not read. InputError names the key or the tensor. The ranges of the result
 * are aligned, disjoint and inside the file.
 */
GgufHeader parse_gguf_header(const ByteSource& source, std::string_view where);

} // namespace llm
