// SPDX-License-Identifier: MIT
//
// Exercise 8.1 ★ The layer beside the layer
//
//   y = x W^T + scale (x A) B
//
// x [..., in], weight W [out, in], a [in, rank], b [rank, out] -> [..., out].
// The rank is small, 8 say, so A and B together have far fewer numbers than W.
// Multiply from the left: x A is thin, A B would be as large as W.
//
// Use: mx::matmul, mx::transpose(weight).

#include "exercises/include/lora.h"

mx::array ex::lora_linear(
    const mx::array& x,
    const mx::array& weight,
    const mx::array& a,
    const mx::array& b,
    float scale) {
  not_yet(x, weight, a, b, scale); // your code in place of this line
}
