// SPDX-License-Identifier: MIT
//
// Exercise 3.3 ★★★ The gradient of layer norm
//
// y = c s with c = x - mean(x). dy reaches x through c, which gives
// s (dy - mean(dy)), and through s, since ds = -s^3 mean(c dc): that gives
// -c s^3 mean(c dy) = -s y mean(y dy). Together they are the formula.

#include "exercises/include/norm.h"

mx::array
ex::layer_norm_gradient(const mx::array& x, const mx::array& dy, float eps) {
  const mx::array centered = x - mx::mean(x, -1, true);
  const mx::array variance = mx::mean(mx::square(centered), -1, true);
  const mx::array s = mx::rsqrt(variance + eps);
  const mx::array y = centered * s;
  return s * (dy - mx::mean(dy, -1, true) - y * mx::mean(dy * y, -1, true));
}
