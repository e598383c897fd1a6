// SPDX-License-Identifier: MIT
//
// Exercise 5.3 ★★★ Rotary positions
//
// A column of positions times a row of frequencies is every angle, [L, D/2]; it
// is the same for all batches and heads.

#include "exercises/include/block.h"

#include <vector>

mx::array ex::rope(const mx::array& x, float base, int offset) {
  const int L = x.shape(-2), half = x.shape(-1) / 2;
  const mx::array position =
      mx::reshape(mx::arange(offset, offset + L), {L, 1});
  const mx::array frequency = // base^(-2 i / D)
      mx::power(mx::array(base), mx::arange(half) * (-1.0f / half));
  const mx::array angle = position * frequency;
  const mx::array c = mx::cos(angle), s = mx::sin(angle);

  const std::vector<mx::array> parts = mx::split(x, 2, -1);
  const mx::array &a = parts[0], &b = parts[1];
  return mx::concatenate({a * c - b * s, a * s + b * c}, -1);
}
