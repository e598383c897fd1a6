// SPDX-License-Identifier: MIT
//
// Exercise 8.2 ★★ Merge the adapter
//
// The weight is [out, in] and A B is [in, out]: hence the transposition.

#include "exercises/include/lora.h"

mx::array ex::lora_merge(
    const mx::array& weight,
    const mx::array& a,
    const mx::array& b,
    float scale) {
  const mx::array delta = scale * mx::transpose(mx::matmul(a, b));
  const mx::array merged = mx::astype(weight, mx::float32) + delta;
  return mx::astype(merged, weight.dtype());
}
