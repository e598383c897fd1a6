// SPDX-License-Identifier: MIT
//
// Exercise 4.3 ★★★ A whole attention layer
//
// Written out so that this file stands alone. The course's layer is this one
// with a cache, dropout and a fused operation: GPTAttention in
// llm/models/gpt.h.

#include "exercises/include/attention.h"

#include <cmath>
#include <vector>

mx::array
ex::self_attention(const mx::array& x, const AttentionWeights& w, int heads) {
  const int B = x.shape(0), L = x.shape(1), C = x.shape(2), D = C / heads;
  const mx::array qkv = mx::matmul(x, mx::transpose(w.c_attn)) + w.c_attn_bias;
  const auto split_heads = [&](const mx::array& y) { // -> [B, H, L, D]
    return mx::transpose(mx::reshape(y, {B, L, heads, D}), {0, 2, 1, 3});
  };
  const std::vector<mx::array> parts = mx::split(qkv, 3, -1);
  const mx::array q = split_heads(parts[0]);
  const mx::array k = split_heads(parts[1]);
  const mx::array v = split_heads(parts[2]);

  const float scale = 1 / std::sqrt(static_cast<float>(D));
  const mx::array scores = mx::matmul(q, mx::swapaxes(k, -1, -2)) * scale;
  const mx::array mask = mx::reshape(mx::arange(L), {L, 1}) >= mx::arange(L);
  const mx::array seen = mx::where(mask, scores, mx::array(-INFINITY));
  const mx::array y = mx::matmul(mx::softmax(seen, -1), v); // [B, H, L, D]

  const mx::array joined =
      mx::reshape(mx::transpose(y, {0, 2, 1, 3}), {B, L, C});
  return mx::matmul(joined, mx::transpose(w.c_proj)) + w.c_proj_bias;
}
