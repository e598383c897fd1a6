// SPDX-License-Identifier: MIT
//
// A kernel beside its twin in operations of MLX: values, gradients, second
// derivatives and jvp.

#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <mlx/mlx.h>
#include <mlx/primitives.h>

#include "llm/kernels/kernels.h"
#include "tests/cpp/kernels/switch.h"

namespace twins {

using namespace llm;

using Arrays = std::vector<mx::array>;

struct Plain : OnCpu, Kernels {
  Plain() : Kernels(false) {}
};

struct Fast : OnCpu, Kernels {
  Fast() : Kernels(true) {}
};

inline mx::array noise(const mx::Shape& shape, uint64_t seed) {
  return mx::random::normal(shape, mx::float32, 0, 1, mx::random::key(seed));
}

/** The largest |x|. item<float>() alone would read half of a float64. */
inline float largest(const mx::array& x) {
  return mx::astype(mx::max(mx::abs(x)), mx::float32).item<float>();
}

/** max |a - b| over the largest |b|. */
inline float distance(const mx::array& a, const mx::array& b) {
  REQUIRE(a.shape() == b.shape());
  return largest(mx::subtract(a, b)) / std::max(1.0f, largest(b));
}

/** `f`'s value, gradients and second derivatives, with random weights on the
 * outputs so that nothing cancels. */
inline Arrays everything(const kernels::Function& f, const Arrays& in) {
  const auto loss = [&](const Arrays& x) {
    Arrays out = f(x);
    mx::array sum = mx::array(0.0f);
    for (size_t i = 0; i < out.size(); ++i) {
      sum = sum + mx::sum(out[i] * noise(out[i].shape(), 100 + i));
    }
    return Arrays{sum};
  };
  const auto gradient = [&](const Arrays& x) {
    return mx::vjp(loss, x, {mx::array(1.0f)}).second;
  };
  const auto slope = [&](const Arrays& x) {
    mx::array sum = mx::array(0.0f);
    for (const mx::array& g : gradient(x)) {
      sum = sum + mx::sum(g * noise(g.shape(), 200));
    }
    return Arrays{sum};
  };
  Arrays out = f(in);
  Arrays tangents;
  for (size_t i = 0; i < in.size(); ++i) {
    tangents.push_back(noise(in[i].shape(), 300 + i));
  }
  for (const Arrays& part :
       {gradient(in),
        mx::vjp(slope, in, {mx::array(1.0f)}).second,
        mx::jvp(f, in, tangents).second}) {
    out.insert(out.end(), part.begin(), part.end());
  }
  return out;
}

inline void check_twins(
    const kernels::Function& f,
    const Arrays& in,
    float tolerance = 2e-6f) {
  const Arrays fast = everything(f, in);
  mx::eval(fast);
  const Plain off;
  const Arrays plain = everything(f, in);
  for (size_t i = 0; i < plain.size(); ++i) {
    CAPTURE(i);
    CHECK(distance(fast[i], plain[i]) < tolerance);
  }
}

inline bool is_kernel(const mx::array& a, const std::string& name) {
  return a.has_primitive() && a.primitive().name() == name;
}

} // namespace twins
