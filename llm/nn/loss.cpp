// SPDX-License-Identifier: MIT

#include "llm/nn/loss.h"

#include <mlx/device.h>
#include <mlx/fast.h>
#include <mlx/ops.h>

#include "llm/kernels/kernels.h"

namespace llm::nn {

namespace mx = mlx::core;

namespace {

// in: scores [..., V], targets [...].
std::vector<mx::array> plain_losses(const std::vector<mx::array>& in) {
  // [snippet token-losses]
  const mx::array picked = mx::squeeze(
      mx::take_along_axis(in[0], mx::expand_dims(in[1], -1), -1), -1);
  return {mx::subtract(mx::logsumexp(in[0], -1), picked)};
  // [/snippet]
}

} // namespace

mx::array token_losses(const mx::array& logits, const mx::array& targets) {
  if (mx::default_device() == mx::Device::gpu) { // fused there, sums in float32
    return mx::fast::cross_entropy(logits, mx::astype(targets, mx::int32));
  }
  const bool exact = logits.dtype() == mx::float64; // a reference
  const mx::array scores = exact ? logits : mx::astype(logits, mx::float32);
  if constexpr (kernels::built) {
    if (kernels::usable({scores})) {
      return kernels::token_losses(
          scores, mx::astype(targets, mx::int32), plain_losses);
    }
  }
  return plain_losses({scores, targets})[0];
}

namespace {

std::vector<mx::array> plain_spread(const std::vector<mx::array>& in) {
  const mx::array lse = mx::logsumexp(in[0], -1);
  const mx::array p = mx::softmax(in[0], -1);
  const mx::array zero = mx::array(0.0f);
  // -sum p log p = lse - sum p x; where p is 0, x may be -inf.
  const mx::array x = mx::where(mx::greater(p, zero), in[0], zero);
  return {lse, mx::subtract(lse, mx::sum(mx::multiply(p, x), -1))};
}

} // namespace

Spread spread(const mx::array& logits) {
  const mx::array scores = mx::astype(logits, mx::float32);
  std::vector<mx::array> out;
  if constexpr (kernels::built) {
    if (kernels::usable({scores})) {
      out = kernels::spread(scores, plain_spread);
    }
  }
  if (out.empty()) {
    out = plain_spread({scores});
  }
  return {out[0], out[1]};
}

mx::array cross_entropy(const mx::array& logits, const mx::array& targets) {
  return mx::mean(token_losses(logits, targets));
}

mx::array masked_cross_entropy(
    const mx::array& logits,
    const mx::array& targets,
    const mx::array& mask) {
  // [snippet masked-cross-entropy]
  const mx::array losses = mx::multiply(token_losses(logits, targets), mask);
  return mx::divide(mx::sum(losses), mx::sum(mask));
  // [/snippet]
}

} // namespace llm::nn
