// SPDX-License-Identifier: MIT
//
// Exercise 1.1 ★ Count neighbours
//
// Training a tokenizer begins with one question: which two ids stand side by
// side most often? Count every pair of neighbours: [1, 2, 1, 2] has (1, 2)
// twice and (2, 1) once. Pairs may overlap: [7, 7, 7] has (7, 7) twice.
//
// Use: ++counts[{left, right}] makes an entry of 0 first if there is none.
//
// Mind: a text of no token or of one token has no pair.

#include "exercises/include/tokenizer.h"

std::map<ex::Pair, int> ex::count_pairs(const std::vector<int>& ids) {
  not_yet(ids); // your code in place of this line
}
