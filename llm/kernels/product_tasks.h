// SPDX-License-Identifier: MIT
//
// How a matrix product is divided among the threads, whatever their number.

#pragma once

#include <algorithm>
#include <cstdint>

namespace llm::kernels {

/** n / by, rounded up. */
inline int64_t divided(int64_t n, int64_t by) {
  return (n + by - 1) / by;
}

/** What of C [M, N] a task computes: enough tasks for the threads, whole tiles
 * of rows, whole panels of columns. */
struct ProductTask {
  ProductTask(int64_t M, int64_t panels) {
    constexpr int64_t kTasks = 16, kTile = 12, kMostRows = 96;
    rows = std::min(divided(M, kTasks * kTile) * kTile, kMostRows);
    // A gradient of weights has few rows: then by columns too.
    const int64_t parts = divided(kTasks, divided(M, rows));
    panels_each = divided(panels, std::min(parts, panels));
  }
  int64_t rows, panels_each;
};

} // namespace llm::kernels
