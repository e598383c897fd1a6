// SPDX-License-Identifier: MIT
//
// Exercise 2.3 ★★★ Fall back to less context
//
// From no context to the whole one. It counts anew for every question; the
// course keeps all counts in tables, see llm/data/ngram.cpp.

#include "exercises/include/ngram.h"

#include <algorithm>
#include <map>

double ex::witten_bell(
    const std::vector<int>& train,
    const std::vector<int>& context,
    int token,
    int vocab_size) {
  double p = 1.0 / vocab_size;
  for (size_t n = 0; n <= context.size(); ++n) {
    std::map<int, int> followers; // of the last n tokens of the context
    int total = 0;
    for (size_t i = n; i < train.size(); ++i) {
      if (std::equal(context.end() - n, context.end(), train.begin() + i - n)) {
        ++followers[train[i]];
        ++total;
      }
    }
    if (total == 0) {
      break; // longer contexts were not seen either
    }
    const auto kinds = static_cast<double>(followers.size());
    p = (followers[token] + kinds * p) / (total + kinds);
  }
  return p;
}
