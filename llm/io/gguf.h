// SPDX-License-Identifier: MIT
//
// Tensors of GGUF files as MLX arrays. Types whose blocks are MLX's affine
// quantization stay quantized: the same codes, float32 scales and biases for
// groups of 32, and mx::dequantize gives the numbers that ggml's reference
// gives, bit for bit. Q6_K, with groups of 16, becomes float32. Tensors are
// read one at a time into their final memory.

#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include <mlx/array.h>

#include "llm/core/byte_source.h"
#include "llm/core/gguf_metadata.h"

namespace llm {

/** One tensor; rows of n elements stay rows, so that they can be permuted. */
struct GgufTensor {
  /// numbers [..., n] (F32, F16, BF16 as stored; float32 for Q6_K and for
  /// vectors), or codes uint32 [..., n * bits / 32]
  mlx::core::array weight;
  std::optional<mlx::core::array> scales; ///< float32 [..., n / 32]
  std::optional<mlx::core::array> biases; ///< float32 [..., n / 32]
  int bits = 0;                           ///< of a code; 0: numbers
  int group_size = 0;                     ///< 32; 0: numbers
};

struct GgufContent {
  std::map<std::string, GgufTensor> tensors; ///< names of the file
  GgufMetadata metadata;
};

/** Reads a whole file. InputError when it is damaged, has a type that we cannot
 * read, or is one part of several; IoError when it cannot be read. */
GgufContent load_gguf(const std::filesystem::path& path);

/** The same from bytes in memory; `where` names them in errors. */
GgufContent parse_gguf(const ByteSource& source, std::string_view where);

/** The tensor as float32 numbers [..., n]; lazy. */
mlx::core::array dequantize(const GgufTensor& tensor);

} // namespace llm
