// SPDX-License-Identifier: MIT

#include "llm/nn/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include <mlx/fast.h>
#include <mlx/ops.h>

#include "llm/kernels/kernels.h"

namespace llm::nn {

namespace {

constexpr double two_pi = 2 * std::numbers::pi;

// [snippet rope-periods]
// base^(2i / dims), the number of positions in which pair i turns by 1 rad.
std::vector<double> plain_periods(int dims, float base) {
  std::vector<double> out;
  for (int i = 0; i < dims; i += 2) {
    out.push_back(std::pow(static_cast<double>(base), i / double(dims)));
  }
  return out;
}
// [/snippet]

mx::array as_array(const std::vector<double>& values) {
  const std::vector<float> floats(values.begin(), values.end());
  return mx::array(
      floats.data(), mx::Shape{static_cast<int>(floats.size())}, mx::float32);
}

} // namespace

mx::array Positions::of(int L) const {
  if (!rows) {
    return mx::arange(start, start + L, mx::int32);
  }
  return mx::add(mx::expand_dims(*rows, 1), mx::arange(0, L, mx::int32));
}

mx::array rope(const mx::array& x, float base, int start) {
  // [snippet rope]
  const auto plain = [base, start](const std::vector<mx::array>& in) {
    return std::vector<mx::array>{
        mx::fast::rope(in[0], in[0].shape(-1), false, base, 1.0f, start)};
  };
  // [/snippet]
  if constexpr (kernels::built) {
    if (kernels::usable({x})) {
      return kernels::rope(x, base, start, plain);
    }
  }
  return plain({x})[0];
}

mx::array Rope::operator()(const mx::array& x, const Positions& at) const {
  if (!periods && scale == 1.0f && magnitude == 1.0f && !at.rows) {
    return rope(x, base, at.start);
  }
  const mx::array in =
      magnitude == 1.0f ? x : mx::multiply(x, mx::array(magnitude, x.dtype()));
  const auto b = periods ? std::nullopt : std::optional<float>(base);
  const int dims = x.shape(-1);
  return at.rows ? mx::fast::rope(in, dims, false, b, scale, *at.rows, periods)
                 : mx::fast::rope(in, dims, false, b, scale, at.start, periods);
}

Rope llama3_rope(
    int dims,
    float base,
    float factor,
    float low_factor,
    float high_factor,
    int context) {
  std::vector<double> periods = plain_periods(dims, base);
  for (double& period : periods) {
    const double turns = context / (two_pi * period); // in the old context
    const double keep =
        std::clamp((turns - low_factor) / (high_factor - low_factor), 0.0, 1.0);
    period /= (1 - keep) / factor + keep;
  }
  Rope out{.base = base};
  out.periods = as_array(periods);
  return out;
}

Rope yarn_rope(int dims, float base, const YarnSettings& s) {
  // The pair that turns `turns` times within the old context.
  const auto pair_of = [&](double turns) {
    return dims * std::log(s.context / (turns * two_pi)) /
        (2 * std::log(static_cast<double>(base)));
  };
  double low = pair_of(s.beta_fast), high = pair_of(s.beta_slow);
  if (s.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dims - 1.0);
  if (low == high) {
    high += 0.001;
  }
  std::vector<double> periods = plain_periods(dims, base);
  for (size_t i = 0; i < periods.size(); ++i) {
    const double slow =
        std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    periods[i] /= slow / s.factor + (1 - slow);
  }
  const auto sharpening = [&](float m) {
    return s.factor <= 1 ? 1.0 : 0.1 * m * std::log(s.factor) + 1.0;
  };
  Rope out{.base = base};
  out.periods = as_array(periods);
  out.magnitude = static_cast<float>(
      s.attention_factor ? *s.attention_factor
          : s.mscale != 0 && s.mscale_all_dim != 0
          ? sharpening(s.mscale) / sharpening(s.mscale_all_dim)
          : sharpening(1));
  return out;
}

} // namespace llm::nn
