// SPDX-License-Identifier: MIT
//
// Exercise 8.3 ★★★ What the adapter learns
//
// While B is zero, dA is zero too, but dB is not: B moves first, then A. With
// both zero neither would ever move, so A begins with random numbers.

#include "exercises/include/lora.h"

ex::LoraGradients ex::lora_gradients(
    const mx::array& x,
    const mx::array& dy,
    const mx::array& a,
    const mx::array& b,
    float scale) {
  const mx::array rows = mx::reshape(x, {-1, x.shape(-1)});       // [N, in]
  const mx::array out_rows = mx::reshape(dy, {-1, dy.shape(-1)}); // [N, out]
  const mx::array back = mx::matmul(out_rows, mx::transpose(b));  // [N, rank]
  const mx::array thin = mx::matmul(rows, a);                     // [N, rank]
  return {
      scale * mx::matmul(mx::transpose(rows), back),
      scale * mx::matmul(mx::transpose(thin), out_rows)};
}
