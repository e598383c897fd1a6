// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <cmath>
#include <set>
#include <vector>

#include "llm/core/random.h"

using namespace llm;

TEST_CASE("random: the stream is SplitMix64") {
  // The first outputs for the seed 1234567, from the test of Rosetta Code's
  // "Pseudo-random numbers/Splitmix64".
  Random random(1234567);
  CHECK(random.next() == 6457827717110365317ull);
  CHECK(random.next() == 3203168211198807973ull);
  CHECK(random.next() == 9817491932198370423ull);
  CHECK(random.next() == 4593380528125082431ull);
  CHECK(random.next() == 16408922859458223821ull);
}

TEST_CASE("random: keys differ by seed, purpose and step") {
  std::set<uint64_t> keys;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    for (const char* purpose : {"", "batch", "dropout", "hctab"}) {
      for (uint64_t step = 0; step < 20; ++step) {
        keys.insert(random_key(seed, purpose, step));
      }
    }
  }
  CHECK(keys.size() == 20 * 4 * 20);
  static_assert(random_key(1, "batch", 2) == random_key(1, "batch", 2));
}

TEST_CASE("random: uniform has the moments of [0, 1)") {
  Random random(random_key(7, "test"));
  const int n = 200'000;
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < n; ++i) {
    const double x = random.uniform();
    REQUIRE(x >= 0);
    REQUIRE(x < 1);
    sum += x;
    squares += x * x;
  }
  // 5 standard errors: sqrt(1/12/n) and sqrt(4/45/n).
  CHECK(std::fabs(sum / n - 0.5) < 5 * std::sqrt(1.0 / 12 / n));
  CHECK(std::fabs(squares / n - 1.0 / 3) < 5 * std::sqrt(4.0 / 45 / n));
}

TEST_CASE("random: below is unbiased and in range") {
  Random random(random_key(7, "below"));
  std::vector<int> counts(7);
  const int n = 70'000;
  for (int i = 0; i < n; ++i) {
    const uint64_t x = random.below(7);
    REQUIRE(x < 7);
    ++counts[x];
  }
  double chi2 = 0;
  for (int count : counts) {
    chi2 += (count - n / 7.0) * (count - n / 7.0) / (n / 7.0);
  }
  CHECK(chi2 < 22.46); // 6 degrees of freedom, p = 0.001; the key is fixed
  CHECK(random.below(1) == 0);
  // A modulus of 3/4 of 2^64 would favour the low quarter without rejection.
  const uint64_t big = (uint64_t{3} << 62);
  int low = 0;
  for (int i = 0; i < 3000; ++i) {
    low += random.below(big) < (uint64_t{1} << 62);
  }
  CHECK(std::abs(low - 1000) < 130); // 5 standard deviations of 25.8
}
