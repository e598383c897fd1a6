// SPDX-License-Identifier: MIT
//
// Expectations that say in plain words what was found: the learner reads the
// first one that does not hold. `what` is the call, "softmax of [1, 2, 3]".

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace ex {

inline std::string text(double number) {
  if (std::isnan(number)) {
    return "nan"; // never -nan
  }
  char out[32];
  std::snprintf(out, sizeof out, "%.6g", number);
  return out;
}

inline std::string text(int number) {
  return std::to_string(number);
}

inline std::string text(std::pair<int, int> pair) {
  return "(" + text(pair.first) + ", " + text(pair.second) + ")";
}

template <class T>
std::string text(const std::vector<T>& list) {
  std::string out;
  for (const T& item : list) {
    out += (out.empty() ? "" : ", ") + text(item);
  }
  return "[" + out + "]";
}

/** Near enough for numbers of float32; nan is near nothing, infinity only near
 * itself. */
inline bool near(double got, double want, double tolerance) {
  const double room = tolerance * std::max(1.0, std::abs(want));
  return got == want || (std::isfinite(want) && std::abs(got - want) <= room);
}

inline void expect(const std::string& sentence, bool holds) {
  if (!holds) {
    FAIL(sentence);
  }
  CHECK(holds);
}

template <class T>
void expect_equal(const std::string& what, const T& got, const T& want) {
  const bool same = got == want;
  expect(
      what + ": expected " + text(want) + " but received " + text(got), same);
}

inline void expect_near(
    const std::string& what,
    double got,
    double want,
    double tolerance = 1e-9) {
  expect(
      what + ": expected " + text(want) + " but received " + text(got),
      near(got, want, tolerance));
}

} // namespace ex
