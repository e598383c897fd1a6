// SPDX-License-Identifier: MIT
//
// The operands of the products in matmul-inl.h.

#pragma once

#include <cstdint>

namespace llm::kernels {

/** A(i, k) = data[i * row + k * column]. */
struct Left {
  const float* data;
  int64_t row, column;
};

/** B(k, n) or C(i, n) = data[k * row + n]; n in whole vectors. */
struct Right {
  float* data;
  int64_t row;
};

} // namespace llm::kernels
