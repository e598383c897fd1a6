// SPDX-License-Identifier: MIT
//
// Topic 4: attention. Each position asks (q), every position offers a key (k)
// and a value (v), and the answer is a mean of the values (Vaswani et al.,
// arXiv 1706.03762). Sizes: B batch, H heads, L queries, S keys, D width of a
// head, C = H D width of the model.

#pragma once

#include <mlx/ops.h>

#include "exercises/include/not_yet.h"

namespace mx = mlx::core;

namespace ex {

/** 4.1: q [B, H, L, D], k and v [B, H, S, D] -> [B, H, L, D]; no mask. */
mx::array attention(const mx::array& q, const mx::array& k, const mx::array& v);

/** 4.2: bool [L, S], true where a query may look at a key. */
mx::array visible(int L, int S, int window);

/** The weights of one attention layer, named as in GPT-2. */
struct AttentionWeights {
  mx::array c_attn;      ///< [3 C, C]: queries, keys, values in one product
  mx::array c_attn_bias; ///< [3 C]
  mx::array c_proj;      ///< [C, C]
  mx::array c_proj_bias; ///< [C]
};

/** 4.3: x [B, L, C] -> [B, L, C]; no position sees a later one. */
mx::array
self_attention(const mx::array& x, const AttentionWeights& w, int heads);

} // namespace ex
