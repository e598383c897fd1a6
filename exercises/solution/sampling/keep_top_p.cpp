// SPDX-License-Identifier: MIT
//
// Exercise 7.3 ★★★ Top-p
//
// `before`: what the better tokens sum to. It is 0 for the best one, which
// therefore stays, except with p = 0: hence the first place by itself.

#include "exercises/include/sampling.h"

#include <cmath>

mx::array ex::keep_top_p(const mx::array& logits, float p) {
  const mx::array order = mx::argsort(-logits, -1); // best first
  const mx::array sorted =
      mx::take_along_axis(mx::softmax(logits, -1), order, -1);
  const mx::array before = mx::cumsum(sorted, -1) - sorted;
  const mx::array first = mx::arange(logits.shape(-1)) == 0;
  const mx::array none = mx::zeros(logits.shape(), mx::bool_);
  const mx::array stays =
      mx::put_along_axis(none, order, before < p || first, -1);
  return mx::where(stays, logits, mx::array(-INFINITY));
}
