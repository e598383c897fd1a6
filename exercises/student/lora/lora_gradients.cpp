// SPDX-License-Identifier: MIT
//
// Exercise 8.3 ★★★ What the adapter learns
//
// Of y = x W^T + scale (x A) B only A and B are trained. With dy, the gradient
// of the loss with respect to y:
//
//   dA = scale x^T (dy B^T)    [in, rank]
//   dB = scale (x A)^T dy      [rank, out]
//
// x [..., in], dy [..., out]: all axes but the last are tokens, over which the
// gradients are summed. Look at both: what does A learn while B is still zero?
//
// Use: mx::reshape(x, {-1, x.shape(-1)}) makes one row a token; mx::transpose;
// mx::matmul. Not mx::vjp or mx::grad: the tests do that.

#include "exercises/include/lora.h"

ex::LoraGradients ex::lora_gradients(
    const mx::array& x,
    const mx::array& dy,
    const mx::array& a,
    const mx::array& b,
    float scale) {
  not_yet(x, dy, a, b, scale); // your code in place of this line
}
