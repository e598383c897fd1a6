// SPDX-License-Identifier: MIT
//
// Exercise 2.3 ★★★ Fall back to less context
//
//   p(c | h) = (count(h c) + N(h) p(c | h')) / (count(h) + N(h))
//
// count(h c): how often c comes after h in `train`. count(h): how often
// anything does. N(h): how many different tokens do. h' is h without its oldest
// token, the first one; below the empty context there is 1 / vocab_size. A
// context that nothing follows has no counts: take p(c | h') alone. So short
// contexts help where long ones are rare (Witten and Bell, 1991).
//
// Example: train [0, 1, 0, 1, 1], vocab_size 3: p(1 | 0) = (2 + 1 * 11/21) / 3.
//
// Use: begin with 1 / vocab_size and take one more token of context each time.

#include "exercises/include/ngram.h"

double ex::witten_bell(
    const std::vector<int>& train,
    const std::vector<int>& context,
    int token,
    int vocab_size) {
  not_yet(train, context, token, vocab_size); // your code in place of this line
}
