// SPDX-License-Identifier: MIT

#include "llm/nn/attention.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <mlx/fast.h>
#include <mlx/ops.h>

#include "llm/kernels/cuda_attention.h"
#include "llm/kernels/kernels.h"
#include "llm/nn/dropout.h"

namespace llm::nn {

namespace mx = mlx::core;

// [snippet split-heads]
mx::array split_heads(const mx::array& x, int heads) {
  const int B = x.shape(0), L = x.shape(1), D = x.shape(2) / heads;
  return mx::transpose(mx::reshape(x, {B, L, heads, D}), {0, 2, 1, 3});
}

mx::array merge_heads(const mx::array& x) {
  const int B = x.shape(0), H = x.shape(1), L = x.shape(2), D = x.shape(3);
  return mx::reshape(mx::transpose(x, {0, 2, 1, 3}), {B, L, H * D});
}
// [/snippet]

namespace {

// [snippet window-mask]
// [L, S], true where query S - L + l sees key s.
mx::array window_mask(int L, int S, int window) {
  const mx::array query = mx::reshape(mx::arange(S - L, S), {L, 1});
  const mx::array key = mx::arange(S);
  return mx::logical_and(
      mx::greater_equal(query, key),
      mx::less(query, mx::add(key, mx::array(window))));
}
// [/snippet]

// For fewer, as in generation, preparing the keys costs too much.
constexpr int kFewQueries = 8;

mx::array last_keys(const mx::array& k, int n) {
  const int S = k.shape(2);
  return mx::slice(k, {0, 0, S - n, 0}, k.shape());
}

} // namespace

mx::array causal_attention(
    const mx::array& q,
    const mx::array& k,
    const mx::array& v,
    const AttentionOptions& options) {
  const float scale = options.scale != 0
      ? options.scale
      : 1.0f / std::sqrt(static_cast<float>(q.shape(-1)));
  const int L = q.shape(2), S = k.shape(2), window = options.window;
  if (window > 0 && S > window) {
    if (L == 1) {
      return mx::fast::scaled_dot_product_attention(
          q, last_keys(k, window), last_keys(v, window), scale);
    }
    return mx::fast::scaled_dot_product_attention(
        q, k, v, scale, "array", window_mask(L, S, window));
  }
  // One query sees every key: no mask is needed.
  const std::string mask = L == 1 ? "" : "causal";
  // [snippet fused-attention]
  const auto plain = [=](const std::vector<mx::array>& in) {
    return std::vector<mx::array>{mx::fast::scaled_dot_product_attention(
        in[0], in[1], in[2], scale, mask)};
  };
  // [/snippet]
  if constexpr (kernels::built) {
    if (L >= kFewQueries && kernels::usable({q, k, v})) {
      return kernels::attention(q, k, v, scale, plain);
    }
  }
  return plain({q, k, v})[0];
}

mx::array packed_attention(const mx::array& qkv, int heads) {
  const auto plain = [heads](const std::vector<mx::array>& in) {
    const std::vector<mx::array> parts = mx::split(in[0], 3, -1);
    return std::vector<mx::array>{merge_heads(causal_attention(
        split_heads(parts[0], heads),
        split_heads(parts[1], heads),
        split_heads(parts[2], heads)))};
  };
  if constexpr (kernels::built) {
    if (qkv.shape(1) >= kFewQueries && kernels::usable({qkv})) {
      const int D = qkv.shape(2) / (3 * heads);
      const float scale = 1.0f / std::sqrt(static_cast<float>(D));
      return kernels::packed_attention(qkv, heads, scale, plain);
    }
  }
  return plain({qkv})[0];
}

mx::array dropping_attention(
    const mx::array& qkv,
    int heads,
    const mx::array& key,
    float p) {
  if constexpr (kernels::built) {
    if (kernels::usable_cuda_attention(qkv, heads)) {
      return kernels::cuda_attention(qkv, heads, key, p);
    }
  }
  const std::vector<mx::array> parts = mx::split(qkv, 3, -1);
  const mx::array q = split_heads(parts[0], heads); // [B, H, L, D]
  const mx::array k = split_heads(parts[1], heads);
  const mx::array v = split_heads(parts[2], heads);
  // MLX's fused operation never forms the weights, so it cannot drop any.
  const mx::array weights = dropped(attention_weights(q, k), key, p);
  return merge_heads(mx::matmul(weights, v));
}

mx::array attention_weights(const mx::array& q, const mx::array& k) {
  const int groups = q.shape(1) / k.shape(1);
  const int L = q.shape(2), S = k.shape(2);
  // [snippet attention-weights]
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
  // [/snippet]
}

} // namespace llm::nn
