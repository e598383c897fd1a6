// SPDX-License-Identifier: MIT
//
// Causal attention with dropout for training on an NVIDIA GPU: MLX's fused
// operation cannot drop weights, and written out they are B H L^2 numbers that
// pass through memory a dozen times. One kernel forward, one backward, with
// tensor cores; no weight leaves the chip (Dao, FlashAttention-2, arXiv
// 2307.08691). Each sum has a fixed order, so that a run can be repeated.
// Simplification: bfloat16, heads of 64, L a multiple of 64.

#pragma once

#include <mlx/array.h>

namespace llm::kernels {

/** True if cuda_attention() takes qkv [B, L, 3 C] on the default device. */
bool usable_cuda_attention(const mlx::core::array& qkv, int heads);

/** qkv [B, L, 3 C], a key (uint32 [2]) and the probability p to drop a weight
 * -> [B, L, C], heads merged. */
mlx::core::array cuda_attention(
    const mlx::core::array& qkv,
    int heads,
    const mlx::core::array& key,
    float p);

} // namespace llm::kernels
