// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <optional>

#include "llm/core/checked.h"

using namespace llm;

namespace {

/** Compares with plain int arithmetic over all pairs of an 8-bit type. */
template <class T>
int wrong_pairs() {
  using Limits = std::numeric_limits<T>;
  int wrong = 0;
  for (int a = Limits::min(); a <= Limits::max(); ++a) {
    for (int b = Limits::min(); b <= Limits::max(); ++b) {
      const auto expected = [](int x) {
        return x < Limits::min() || x > Limits::max()
            ? std::nullopt
            : std::optional<T>(static_cast<T>(x));
      };
      const T x = static_cast<T>(a);
      const T y = static_cast<T>(b);
      wrong += checked_add<T>(x, y) != expected(a + b);
      wrong += checked_mul<T>(x, y) != expected(a * b);
    }
  }
  return wrong;
}

} // namespace

TEST_CASE("checked: all pairs of 8-bit numbers") {
  CHECK(wrong_pairs<uint8_t>() == 0);
  CHECK(wrong_pairs<int8_t>() == 0);
}

TEST_CASE("checked: 64-bit limits") {
  constexpr uint64_t max = std::numeric_limits<uint64_t>::max();
  static_assert(checked_add<uint64_t>(max, 0) == max);
  static_assert(!checked_add<uint64_t>(max, 1));
  static_assert(checked_mul<uint64_t>(uint64_t{1} << 32, 1u << 31));
  static_assert(!checked_mul<uint64_t>(uint64_t{1} << 32, uint64_t{1} << 32));
  constexpr int64_t low = std::numeric_limits<int64_t>::min();
  static_assert(!checked_mul<int64_t>(low, -1));
  static_assert(!checked_add<int64_t>(low, -1));
  CHECK(checked_mul<int64_t>(low, 1) == low);
}

TEST_CASE("checked: casts") {
  CHECK(checked_cast<int>(uint64_t{7}) == 7);
  CHECK_FALSE(checked_cast<int>(uint64_t{1} << 31));
  CHECK_FALSE(checked_cast<uint64_t>(-1));
  CHECK_FALSE(checked_cast<uint8_t>(256));
}
