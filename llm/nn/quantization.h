// SPDX-License-Identifier: MIT
//
// Weights in a few bits, in MLX's affine layout: each group of values in a row
// shares a scale and a bias, and value = scale * q + bias with a whole number
// q of `bits` bits. The numbers q are packed into uint32 words.

#pragma once

#include <utility>

#include <mlx/array.h>

namespace llm::nn {

namespace mx = mlx::core;

/** What belongs to a packed matrix [out, in * bits / 32] (uint32). */
struct Quantization {
  mx::array scales; // [out, in / group_size]
  mx::array biases; // [out, in / group_size]
  int group_size;   ///< 32, 64 or 128; divides `in`
  int bits;         ///< 2, 3, 4, 5, 6 or 8
};

/** Values in a row of a packed matrix. */
inline int unpacked_width(const mx::array& packed, const Quantization& q) {
  return packed.shape(-1) * 32 / q.bits;
}

/** Throws UsageError unless rows of `in` values can be packed so. */
void check_quantization(int in, int group_size, int bits);

/** Nearest values of `weight` [out, in]: the packed matrix and the rest. */
std::pair<mx::array, Quantization>
quantize(const mx::array& weight, int group_size, int bits);

/** The values again, [out, in]. `packed` may be some rows of the matrix, with
 * the same rows in `q`. */
mx::array dequantize(const mx::array& packed, const Quantization& q);

/** x [..., in] times the matrix transposed -> [..., out]. The gradient is with
 * respect to x alone: packed weights are not trained. */
mx::array quantized_matmul(
    const mx::array& x,
    const mx::array& packed,
    const Quantization& q);

} // namespace llm::nn
