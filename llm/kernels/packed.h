// SPDX-License-Identifier: MIT
//
// A matrix in MLX's affine layout as a kernel sees it: value k of a row is
// scale * q + bias, q being `bits` bits of word k * bits / 32.

#pragma once

#include <cstdint>

namespace llm::kernels {

struct PackedRows {
  const uint32_t* words; ///< [rows, words_in_row]
  const float* scales;   ///< [rows, groups]
  const float* biases;   ///< [rows, groups]
  int64_t words_in_row, groups;
  int words_shift = 0; ///< a group is 2^words_shift words
  int bits;
};

} // namespace llm::kernels
