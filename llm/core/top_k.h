// SPDX-License-Identifier: MIT

#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace llm {

/** The places of the k largest of x[0..n), the largest first; of equal ones the
 * lower place. One pass with a short sorted list: most values are below all of
 * it. */
template <class T>
std::vector<int32_t> top_k(const T* x, int n, int k) {
  std::vector<int32_t> out;
  const auto better = [x](int32_t a, int32_t b) {
    return x[a] != x[b] ? x[a] > x[b] : a < b;
  };
  T least = -std::numeric_limits<T>::infinity();
  for (int32_t i = 0; i < n && k > 0; ++i) {
    const bool full = static_cast<int>(out.size()) == k;
    if (full && x[i] <= least) {
      continue;
    }
    if (full) {
      out.pop_back();
    }
    out.insert(std::upper_bound(out.begin(), out.end(), i, better), i);
    least = x[out.back()];
  }
  return out;
}

} // namespace llm
