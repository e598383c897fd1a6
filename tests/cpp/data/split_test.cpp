// SPDX-License-Identifier: MIT
//
// Splits, evaluation windows and the offsets of random batches.

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "llm/core/error.h"
#include "llm/data/split.h"

using namespace llm;

TEST_CASE("split: counts characters, not bytes, and rounds down") {
  auto parts = split_text("0123456789", 0.9);
  CHECK(parts.train == "012345678");
  CHECK(parts.val == "9");
  parts = split_text("aéßc", 0.5); // e acute and sharp s have two bytes
  CHECK(parts.train == "aé");
  CHECK(parts.val == "ßc");
  parts = split_text("abc", 0.5);
  CHECK(parts.train == "a");
  CHECK_THROWS_AS(split_text("abc", 1.0), UsageError);
  CHECK_THROWS_AS(split_text("abc", 0.0), UsageError);
}

TEST_CASE("split: a part too short for one window names both numbers") {
  Split split;
  split.train.resize(100);
  split.val.resize(40);
  CHECK_NOTHROW(check_split(split, 39));
  CHECK_THROWS_WITH_AS(
      check_split(split, 64),
      "[Split] validation split has 40 tokens but block is 64; a window needs "
      "block + 1 tokens: use a longer text or a block of at most 39.",
      InputError);
  CHECK_THROWS_AS(check_split(split, 40), InputError);
}

TEST_CASE("split: each window set scores every token but the first once") {
  for (int64_t n : {2, 3, 5, 17, 64, 65, 66, 129, 1000}) {
    for (int64_t context : {1, 2, 3, 8, 64}) {
      for (const bool sliding : {false, true}) {
        std::vector<int> scored(n);
        const auto windows =
            sliding ? sliding_windows(n, context) : fixed_windows(n, context);
        for (const auto& w : windows) {
          REQUIRE(w.length >= 1);
          REQUIRE(w.length <= context);
          REQUIRE(w.start + w.length + 1 <= n);
          for (int64_t j = w.first_scored; j < w.length; j++) {
            scored[w.start + 1 + j]++;
            if (sliding && w.start > 0) {
              CHECK(2 * (j + 1) >= context);
            }
          }
        }
        CHECK(scored[0] == 0);
        CHECK(std::count(scored.begin() + 1, scored.end(), 1) == n - 1);
      }
    }
  }
}

TEST_CASE("split: a context below 1 is refused") {
  CHECK_THROWS_AS(fixed_windows(10, 0), UsageError);
  CHECK_THROWS_AS(sliding_windows(10, -1), UsageError);
}

TEST_CASE("split: offsets follow from seed and step alone") {
  const auto a = batch_offsets(7, 3, 16, 8, 100);
  CHECK(a == batch_offsets(7, 3, 16, 8, 100));
  CHECK(a != batch_offsets(7, 4, 16, 8, 100));
  CHECK(a != batch_offsets(8, 3, 16, 8, 100));
  // The same on every platform: the first draws, written down.
  CHECK(batch_offsets(7, 3, 4, 8, 100) == std::vector<int64_t>{59, 48, 42, 16});
  std::set<int64_t> seen;
  for (uint64_t step = 0; step < 200; step++) {
    for (int64_t offset : batch_offsets(1, step, 16, 8, 20)) {
      seen.insert(offset);
    }
  }
  CHECK(seen.size() == 12); // 0 to 11: 11 + 8 + 1 = 20
  CHECK(*seen.begin() == 0);
  CHECK(*seen.rbegin() == 11);
  CHECK_THROWS_AS(batch_offsets(1, 0, 4, 8, 8), InputError);
}
