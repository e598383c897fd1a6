// SPDX-License-Identifier: MIT
//
// The same for arrays, and the inputs that tests make.

#pragma once

#include <cstdint>
#include <sstream>

#include <mlx/mlx.h>

#include "exercises/tests/expect.h"

namespace mx = mlx::core;

namespace ex {

/** All numbers, row after row. */
inline std::vector<float> values(const mx::array& x) {
  mx::array flat = mx::contiguous(mx::flatten(mx::astype(x, mx::float32)));
  flat.eval();
  return {flat.data<float>(), flat.data<float>() + flat.size()};
}

/** Normal numbers, the same in each run. */
inline mx::array draws(uint64_t seed, const mx::Shape& shape) {
  return mx::random::normal(shape, mx::random::key(seed));
}

inline std::string text(const mx::Shape& shape) {
  return text(std::vector<int>(shape.begin(), shape.end()));
}

/** Where the n-th number stands: [row, column]. */
inline std::string place(size_t n, const mx::Shape& shape) {
  std::vector<int> at(shape.size());
  for (size_t axis = shape.size(); axis-- > 0;) {
    at[axis] = static_cast<int>(n % shape[axis]);
    n /= shape[axis];
  }
  return text(at);
}

/** The same shape and type, and numbers that differ by no more than
 * `tolerance` (relative for those above 1). */
inline void expect_near(
    const std::string& what,
    const mx::array& got,
    const mx::array& want,
    double tolerance = 1e-5) {
  expect(
      what + ": expected the shape " + text(want.shape()) + " but received " +
          text(got.shape()),
      got.shape() == want.shape());
  std::ostringstream types;
  types << ": expected " << want.dtype() << " but received " << got.dtype();
  expect(what + types.str(), got.dtype() == want.dtype());
  const std::vector<float> a = values(got), b = values(want);
  for (size_t i = 0; i < a.size(); ++i) {
    if (!near(a[i], b[i], tolerance)) {
      expect(
          what + ": expected " + text(b[i]) + " at " + place(i, want.shape()) +
              " but received " + text(a[i]),
          false);
    }
  }
  CHECK(!a.empty());
}

} // namespace ex
