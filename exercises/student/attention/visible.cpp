// SPDX-License-Identifier: MIT
//
// Exercise 4.2 ★★ Who sees whom
//
// Return bool [L, S], true where a query may look at a key. The keys stand at
// the positions 0 to S - 1; the queries are the last L of them, so that query l
// stands at S - L + l (with a cache there are more keys than queries). A query
// sees itself and what is before it, never what comes after: that would be the
// answer. With a window w > 0 it sees only w keys: itself and the w - 1 before
// it, as in Mistral. Window 0: no limit.
//
// Use: mx::arange(n) is [n]; mx::reshape(mx::arange(a, b), {b - a, 1}) is a
// column; comparing a column with a row gives a matrix; && joins two.

#include "exercises/include/attention.h"

mx::array ex::visible(int L, int S, int window) {
  not_yet(L, S, window); // your code in place of this line
}
