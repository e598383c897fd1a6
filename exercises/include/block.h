// SPDX-License-Identifier: MIT
//
// Topic 5: what a transformer block has beside attention: the activation of its
// MLP, the residual stream, and positions by rotation.

#pragma once

#include <functional>

#include <mlx/ops.h>

#include "exercises/include/not_yet.h"

namespace mx = mlx::core;

namespace ex {

/** 5.1: GPT-2's activation, elementwise. */
mx::array gelu(const mx::array& x);

/** A layer: [B, L, C] -> [B, L, C]. */
using Layer = std::function<mx::array(const mx::array&)>;

/** The four layers of a block, named as in GPT-2. */
struct BlockLayers {
  Layer ln_1, attn, ln_2, mlp;
};

/** 5.2: the block, x [B, L, C] -> [B, L, C]. */
mx::array block(const mx::array& x, const BlockLayers& layers);

/** 5.3: rotary positions, x [B, H, L, D] -> [B, H, L, D]; the first of the L
 * tokens stands at `offset`. */
mx::array rope(const mx::array& x, float base, int offset);

} // namespace ex
