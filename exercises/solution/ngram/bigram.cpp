// SPDX-License-Identifier: MIT
//
// Exercise 2.1 ★ Count what follows
//
// The table begins with ones, which is the + 1. A row's own sum is then exactly
// count(a) + vocab_size, and the last token, which nothing follows, is in none.

#include "exercises/include/ngram.h"

#include <numeric>

ex::Table ex::bigram(const std::vector<int>& ids, int vocab_size) {
  Table p(vocab_size, std::vector<double>(vocab_size, 1.0));
  for (size_t i = 1; i < ids.size(); ++i) {
    p[ids[i - 1]][ids[i]] += 1;
  }
  for (auto& row : p) {
    const double sum = std::accumulate(row.begin(), row.end(), 0.0);
    for (double& value : row) {
      value /= sum;
    }
  }
  return p;
}
