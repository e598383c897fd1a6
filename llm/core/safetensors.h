// SPDX-License-Identifier: MIT
//
// The header of a safetensors file, checked before anybody touches the data:
//   8 bytes n (little endian) | n bytes JSON | tensor data
// What is accepted here the Rust reference accepts too. Beyond it, this reader
// refuses duplicate names, more than 8 dimensions, dimensions over 2^31 - 1
// (MLX counts with int) and more than 300,000 numbers, texts and lists in the
// header. Its memory is at most the file's size + 64 MiB.
// Format: https://github.com/huggingface/safetensors#format

#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "llm/core/byte_source.h"

namespace llm {

/** What the header says of one tensor. */
struct TensorInfo {
  std::string dtype;          ///< "F32", "BF16", "I64", ...
  std::vector<int64_t> shape; ///< [] is a scalar
  uint64_t begin = 0;         ///< first byte, counted from data_offset
  uint64_t end = 0;           ///< one past the last byte
};

/** A whole header, valid by construction. */
struct SafetensorsHeader {
  std::map<std::string, TensorInfo> tensors;
  std::map<std::string, std::string> metadata;
  uint64_t data_offset = 0; ///< where the data begins in the file
};

/** The bits of one element of `dtype`, or 0 when the format has no such one. */
int safetensors_dtype_bits(std::string_view dtype);

/** Bytes of dtype x shape; InputError when unknown, negative or too large. */
uint64_t safetensors_tensor_bytes(
    std::string_view dtype,
    const std::vector<int64_t>& shape,
    std::string_view where);

/**
 * Parses and checks a header. `first_bytes` are the file's first bytes, at
 * least through the end of the JSON; `file_size` is the size of the whole file.
 * InputError names the tensor; the ranges of the result are disjoint, have no
 * gaps and end exactly at the file's end.
 */
SafetensorsHeader parse_safetensors_header(
    std::string_view first_bytes,
    uint64_t file_size,
    std::string_view where);

/** Reads only the header, at the start of `source`. */
SafetensorsHeader read_safetensors_header(
    const ByteSource& source,
    std::string_view where);

/** The same of a file; errors as read_file too. */
SafetensorsHeader read_safetensors_header(const std::filesystem::path& path);

/**
 * Gives every tensor its place: widest element type first, then by name, so
 * that each is aligned to its element. Returns the bytes of data in all.
 */
uint64_t place_tensors(std::map<std::string, TensorInfo>& tensors);

/**
 * The bytes before the data: length and JSON, sorted by name and padded with
 * spaces so that the data begins at a multiple of 8. UsageError when the
 * tensors would make an invalid file.
 */
std::string safetensors_header_bytes(
    const std::map<std::string, TensorInfo>& tensors,
    const std::map<std::string, std::string>& metadata);

} // namespace llm
