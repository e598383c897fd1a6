// SPDX-License-Identifier: MIT
//
// Causal scaled dot-product attention: softmax(Q K^T / sqrt(D)) V, each query
// sees the keys up to its own position (Vaswani et al., arXiv 1706.03762).
// B batch, L new positions, S all positions, H heads, D width of a head.

#pragma once

#include <mlx/array.h>

namespace llm::nn {

/** x [B, L, H * D] -> [B, H, L, D]. */
mlx::core::array split_heads(const mlx::core::array& x, int heads);

/** x [B, H, L, D] -> [B, L, H * D]. */
mlx::core::array merge_heads(const mlx::core::array& x);

struct AttentionOptions {
  float scale = 0; ///< of the scores; 0: 1 / sqrt(D)
  int window = 0;  ///< a query sees this many keys up to itself; 0: all
};

/**
 * q [B, H, L, D]; k, v [B, H_kv, S, D] with S >= L and H a multiple of H_kv
 * (grouped queries) -> [B, H, L, D]. The last query is at the last key.
 */
mlx::core::array causal_attention(
    const mlx::core::array& q,
    const mlx::core::array& k,
    const mlx::core::array& v,
    const AttentionOptions& options = {});

/** causal_attention of queries, keys and values that lie side by side: qkv
 * [B, L, 3 C] -> [B, L, C], heads merged again. */
mlx::core::array packed_attention(const mlx::core::array& qkv, int heads);

/** packed_attention that drops weights with probability p while training, as
 * `key` (uint32 [2]) says. */
mlx::core::array dropping_attention(
    const mlx::core::array& qkv,
    int heads,
    const mlx::core::array& key,
    float p);

/** The same sum written out, with the weights for people to see:
 * returns softmax(Q K^T / sqrt(D)), [B, H, L, S], every row sums to 1. */
mlx::core::array attention_weights(
    const mlx::core::array& q,
    const mlx::core::array& k);

} // namespace llm::nn
