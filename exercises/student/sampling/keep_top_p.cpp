// SPDX-License-Identifier: MIT
//
// Exercise 7.3 ★★★ Top-p
//
// Keep the fewest most likely tokens whose probabilities sum to p or more, at
// least one; give the others the score -infinity. logits [..., V] -> [..., V];
// those that stay keep their score (Holtzman et al., arXiv 1904.09751). In
// other words: a token stays if the tokens that are better than it sum to less
// than p. The one that reaches p still stays.
//
// Use: mx::argsort(-logits, -1) is the order, best first; with it
// mx::take_along_axis(x, order, -1) sorts and mx::put_along_axis(zeros, order,
// y, -1) puts back; mx::cumsum(x, -1) sums from the left, each with its own.

#include "exercises/include/sampling.h"

mx::array ex::keep_top_p(const mx::array& logits, float p) {
  not_yet(logits, p); // your code in place of this line
}
