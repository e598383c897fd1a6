// SPDX-License-Identifier: MIT
//
// Exercise 4.2 ★★ Who sees whom
//
// A column of query positions against a row of key positions: broadcasting
// compares each with each.

#include "exercises/include/attention.h"

mx::array ex::visible(int L, int S, int window) {
  const mx::array query = mx::reshape(mx::arange(S - L, S), {L, 1});
  const mx::array key = mx::arange(S);
  const mx::array causal = query >= key;
  return window > 0 ? causal && query - key < window : causal;
}
