// SPDX-License-Identifier: MIT
//
// Arithmetic on numbers that come from files: a result that does not fit is
// nothing, never a wrapped number. All size computations of the file readers go
// through these functions.

#pragma once

#include <concepts>
#include <limits>
#include <optional>
#include <utility>

namespace llm {

/** a + b, or nothing when it does not fit T. */
template <std::integral T>
constexpr std::optional<T> checked_add(T a, T b) {
  using Limits = std::numeric_limits<T>;
  if ((b > 0 && a > Limits::max() - b) || (b < 0 && a < Limits::min() - b)) {
    return std::nullopt;
  }
  return static_cast<T>(a + b);
}

/** a * b for unsigned numbers, or nothing when it does not fit T. */
template <std::unsigned_integral T>
constexpr std::optional<T> checked_mul(T a, T b) {
  if (b != 0 && a > std::numeric_limits<T>::max() / b) {
    return std::nullopt;
  }
  return static_cast<T>(a * b);
}

/** a * b for signed numbers, or nothing when it does not fit T. */
template <std::signed_integral T>
constexpr std::optional<T> checked_mul(T a, T b) {
  using Limits = std::numeric_limits<T>;
  if (a == 0 || b == 0) {
    return T{0};
  }
  // Division rounds towards zero, so each sign pair has its own bound.
  const bool fits = a > 0
      ? (b > 0 ? a <= Limits::max() / b : b >= Limits::min() / a)
      : (b > 0 ? a >= Limits::min() / b : b >= Limits::max() / a);
  return fits ? std::optional<T>(static_cast<T>(a * b)) : std::nullopt;
}

/** `value` as To, or nothing when To cannot hold it. */
template <std::integral To, std::integral From>
constexpr std::optional<To> checked_cast(From value) {
  if (!std::in_range<To>(value)) {
    return std::nullopt;
  }
  return static_cast<To>(value);
}

} // namespace llm
