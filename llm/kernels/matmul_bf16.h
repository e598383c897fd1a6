// SPDX-License-Identifier: MIT
//
// Products of matrices rounded to bfloat16, with sums in float32. One
// instruction multiplies twice as many numbers as in float32.

#pragma once

#include "llm/kernels/kernels.h"

namespace llm::kernels {

/** c [M, N] = a [M, K] b [K, N]; c is row-contiguous, the others have a stride
 * of 1 along one of their axes. Only if has_bf16_dot(). */
void multiply_bf16(const Tensor& a, const Tensor& b, const Tensor& c);

} // namespace llm::kernels
