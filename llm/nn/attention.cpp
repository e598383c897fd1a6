// SPDX-License-Identifier: MIT

#include "llm/nn/attention.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <mlx/fast.h>
#include <mlx/ops.h>

#include "llm/kernels/kernels.h"

namespace llm::nn {

namespace mx = mlx::core;

mx::array split_heads(const mx::array& x, int heads) {
  const int B = x.shape(0), L = x.shape(1), D = x.shape(2) / heads;
  return mx::transpose(mx::reshape(x, {B, L, heads, D}), {0, 2, 1, 3});
}

mx::array merge_heads(const mx::array& x) {
  const int B = x.shape(0), H = x.shape(1), L = x.shape(2), D = x.shape(3);
  return mx::reshape(mx::transpose(x, {0, 2, 1, 3}), {B, L, H * D});
}

mx::array
causal_attention(const mx::array& q, const mx::array& k, const mx::array& v) {
  const float scale = 1.0f / std::sqrt(static_cast<float>(q.shape(-1)));
  // One query sees every key: no mask is needed.
  const std::string mask = q.shape(2) == 1 ? "" : "causal";
  const auto plain = [=](const std::vector<mx::array>& in) {
    return std::vector<mx::array>{mx::fast::scaled_dot_product_attention(
        in[0], in[1], in[2], scale, mask)};
  };
  if constexpr (kernels::built) {
    // For a few queries, as in generation, preparing the keys costs too much.
    if (q.shape(2) >= 8 && kernels::usable({q, k, v})) {
      return kernels::attention(q, k, v, scale, plain);
    }
  }
  return plain({q, k, v})[0];
}

mx::array attention_weights(const mx::array& q, const mx::array& k) {
  const int groups = q.shape(1) / k.shape(1);
  const int L = q.shape(2), S = k.shape(2);
  const mx::array keys = mx::repeat(k, groups, 1); // [B, H, S, D]
  const float scale = 1.0f / std::sqrt(static_cast<float>(q.shape(-1)));
  mx::array scores = mx::multiply(
      mx::matmul(q, mx::transpose(keys, {0, 1, 3, 2})),
      mx::array(scale, q.dtype())); // [B, H, L, S]
  const mx::array visible = mx::greater_equal(
      mx::reshape(mx::arange(S - L, S), {L, 1}), mx::arange(S));
  scores = mx::where(
      visible,
      scores,
      mx::array(-std::numeric_limits<float>::infinity(), q.dtype()));
  return mx::softmax(scores, -1, /* precise = */ true);
}

} // namespace llm::nn
