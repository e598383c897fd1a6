// SPDX-License-Identifier: MIT
//
// The arrays that batches are made of.

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "llm/core/error.h"
#include "llm/data/batches.h"

using namespace llm;

namespace {

std::vector<int32_t> counting(int n) {
  std::vector<int32_t> ids(n);
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

} // namespace

TEST_CASE("batches: targets are the inputs moved by one") {
  const auto batch = make_batch(counting(20), {3, 11, 0}, 8);
  CHECK(batch.x.shape() == mx::Shape{3, 8});
  CHECK(batch.y.shape() == mx::Shape{3, 8});
  CHECK(batch.x.dtype() == mx::int32);
  const int* x = batch.x.data<int>();
  const int* y = batch.y.data<int>();
  const int starts[] = {3, 11, 0};
  for (int i = 0; i < 24; i++) {
    CHECK(x[i] == starts[i / 8] + i % 8);
    CHECK(y[i] == x[i] + 1);
  }
}

TEST_CASE("batches: a window that does not fit is refused") {
  CHECK_NOTHROW(make_batch(counting(9), {0}, 8));
  CHECK_THROWS_AS(make_batch(counting(9), {1}, 8), InputError);
  CHECK_THROWS_AS(make_batch(counting(9), {-1}, 8), InputError);
  CHECK_THROWS_AS(make_batch(counting(9), {}, 8), InputError);
  CHECK_THROWS_AS(random_batch(counting(8), 1, 0, 4, 8), InputError);
}

TEST_CASE("batches: random batches are make_batch at batch_offsets") {
  const auto ids = counting(500);
  const auto batch = random_batch(ids, 5, 17, 6, 10);
  const auto offsets = batch_offsets(5, 17, 6, 10, 500);
  for (int b = 0; b < 6; b++) {
    CHECK(batch.x.data<int>()[b * 10] == offsets[b]);
  }
}

TEST_CASE("batches: evaluation batches keep every scored target") {
  const int n = 103;
  const auto ids = counting(n);
  for (const bool sliding : {false, true}) {
    const auto windows = sliding ? sliding_windows(n, 8) : fixed_windows(n, 8);
    std::vector<int> scored(n);
    int64_t total = 0;
    for (const auto& group : group_windows(windows, 5)) {
      CHECK(group.size() <= 5);
      const auto batch = make_eval_batch(ids, group);
      const float* mask = batch.mask.data<float>();
      const int* y = batch.y.data<int>();
      for (size_t i = 0; i < batch.mask.size(); i++) {
        scored[y[i]] += mask[i] == 1.0f ? 1 : 0;
      }
      total += batch.scored;
    }
    CHECK(total == n - 1);
    CHECK(scored[0] == 0);
    CHECK(std::count(scored.begin() + 1, scored.end(), 1) == n - 1);
  }
  CHECK_THROWS_AS(make_eval_batch(ids, {{0, 8, 0}, {8, 7, 0}}), InputError);
}
