// SPDX-License-Identifier: MIT
//
// Exercise 5.3 ★★★ Rotary positions
//
// For i = 0 .. D/2 - 1 the numbers a = x[i] and b = x[i + D/2] of one head are
// a point in the plane. A token at position t turns it by the angle
//
//   angle = t / base^(2 i / D)
//   out[i]       = a cos(angle) - b sin(angle)
//   out[i + D/2] = a sin(angle) + b cos(angle)
//
// so that q . k depends on the distance of two tokens alone (Su et al., arXiv
// 2104.09864). x [B, H, L, D]; the L tokens stand at offset, offset + 1, ...
//
// Use: mx::arange, mx::power(mx::array(base), y), mx::cos, mx::sin,
// mx::split(x, 2, -1), mx::concatenate({left, right}, -1).

#include "exercises/include/block.h"

mx::array ex::rope(const mx::array& x, float base, int offset) {
  not_yet(x, base, offset); // your code in place of this line
}
