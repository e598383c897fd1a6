// SPDX-License-Identifier: MIT
//
// Exercise 1.2 ★★ Merge a pair
//
// A new list, since changing one while walking over it would merge what was
// just merged.

#include "exercises/include/tokenizer.h"

std::vector<int>
ex::merge_pair(const std::vector<int>& ids, Pair pair, int id) {
  std::vector<int> out;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (i + 1 < ids.size() && Pair{ids[i], ids[i + 1]} == pair) {
      out.push_back(id);
      ++i; // the right one is used up
    } else {
      out.push_back(ids[i]);
    }
  }
  return out;
}
