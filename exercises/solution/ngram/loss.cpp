// SPDX-License-Identifier: MIT
//
// Exercise 2.2 ★★ Measure the surprise
//
// exp(loss) is the perplexity: between how many equally likely tokens the model
// hesitates.

#include "exercises/include/ngram.h"

#include <cmath>

double ex::loss(const Table& p, const std::vector<int>& ids) {
  double sum = 0;
  for (size_t i = 1; i < ids.size(); ++i) {
    sum -= std::log(p[ids[i - 1]][ids[i]]);
  }
  return sum / static_cast<double>(ids.size() - 1);
}
