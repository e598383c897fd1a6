// SPDX-License-Identifier: MIT
//
// Cross entropy in nats: -log softmax(logits)[target].

#pragma once

#include <mlx/array.h>

namespace llm::nn {

/** logits [..., V], targets [...] (integers) -> losses [...], float32 (float64
 * of float64). */
mlx::core::array token_losses(
    const mlx::core::array& logits,
    const mlx::core::array& targets);

/** The mean of token_losses: a scalar. */
mlx::core::array cross_entropy(
    const mlx::core::array& logits,
    const mlx::core::array& targets);

/** The mean over the targets whose `mask` [...] is 1 (float32; else 0). */
mlx::core::array masked_cross_entropy(
    const mlx::core::array& logits,
    const mlx::core::array& targets,
    const mlx::core::array& mask);

/** How a distribution over tokens spreads: logits [..., V], -inf for removed
 * ones, -> each [...], float32. */
struct Spread {
  mlx::core::array log_sum_exp;
  mlx::core::array entropy; ///< of softmax(logits), nats
};
Spread spread(const mlx::core::array& logits);

} // namespace llm::nn
