// SPDX-License-Identifier: MIT
//
// Exercise 1.4 ★★★ Train a tokenizer
//
// Exercises 1.1 and 1.2 in a loop, written out so that this file stands alone.
// Counting anew for each merge takes minutes on a large text; the course's
// trainer visits only the words that hold the pair.

#include "exercises/include/tokenizer.h"

namespace {

using ex::Pair;

/** The most frequent pair, the smaller one of equals; ids has two or more. */
Pair most_frequent(const std::vector<int>& ids) {
  std::map<Pair, int> counts;
  for (size_t i = 1; i < ids.size(); ++i) {
    ++counts[{ids[i - 1], ids[i]}];
  }
  Pair best = counts.begin()->first;
  for (const auto& [pair, count] : counts) {
    if (count > counts[best]) { // not >=: the smaller of equals came first
      best = pair;
    }
  }
  return best;
}

} // namespace

std::vector<ex::Pair> ex::learn_merges(std::string_view text, int count) {
  std::vector<int> ids;
  for (char c : text) {
    ids.push_back(static_cast<unsigned char>(c));
  }
  std::vector<Pair> merges;
  for (int id = 256; id < 256 + count && ids.size() > 1; ++id) {
    merges.push_back(most_frequent(ids));
    std::vector<int> merged;
    for (size_t i = 0; i < ids.size(); ++i) {
      if (i + 1 < ids.size() && Pair{ids[i], ids[i + 1]} == merges.back()) {
        merged.push_back(id);
        ++i;
      } else {
        merged.push_back(ids[i]);
      }
    }
    ids = merged;
  }
  return merges;
}
