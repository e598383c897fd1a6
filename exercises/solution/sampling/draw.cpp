// SPDX-License-Identifier: MIT
//
// Exercise 7.2 ★★ Draw a token
//
// `>` and not `>=`: with u = 0 a token of probability 0 must not be taken.

#include "exercises/include/sampling.h"

int ex::draw(const std::vector<float>& probabilities, float u) {
  float sum = 0;
  int possible = 0; // the last token that could come
  for (int token = 0; token < static_cast<int>(probabilities.size()); ++token) {
    if (probabilities[token] > 0) {
      possible = token;
    }
    sum += probabilities[token];
    if (sum > u) {
      return token;
    }
  }
  return possible;
}
