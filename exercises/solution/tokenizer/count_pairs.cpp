// SPDX-License-Identifier: MIT
//
// Exercise 1.1 ★ Count neighbours
//
// Counting from the right neighbour needs no special case: with no token or one
// the loop does not run. `i < ids.size() - 1` would, since 0 - 1 is huge for a
// number without a sign.

#include "exercises/include/tokenizer.h"

std::map<ex::Pair, int> ex::count_pairs(const std::vector<int>& ids) {
  std::map<Pair, int> counts;
  for (size_t i = 1; i < ids.size(); ++i) {
    ++counts[{ids[i - 1], ids[i]}];
  }
  return counts;
}
