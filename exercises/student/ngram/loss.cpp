// SPDX-License-Identifier: MIT
//
// Exercise 2.2 ★★ Measure the surprise
//
//   loss = mean over i of -log p[ids[i - 1]][ids[i]]
//
// with the natural logarithm (nats). A model that knows nothing has the loss
// log(vocab_size); one that is always certain and right has 0. It is the number
// that every training in this course prints.
//
// Use: std::log of <cmath>.
//
// Mind: a text of n tokens has n - 1 predictions.

#include "exercises/include/ngram.h"

double ex::loss(const Table& p, const std::vector<int>& ids) {
  not_yet(p, ids); // your code in place of this line
}
