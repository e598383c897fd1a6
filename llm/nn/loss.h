// SPDX-License-Identifier: MIT
//
// Cross entropy in nats: -log softmax(logits)[target].

#pragma once

#include <mlx/array.h>

namespace llm::nn {

/** logits [..., V], targets [...] (integers) -> losses [...], float32. */
mlx::core::array token_losses(
    const mlx::core::array& logits,
    const mlx::core::array& targets);

/** The mean of token_losses: a scalar. */
mlx::core::array cross_entropy(
    const mlx::core::array& logits,
    const mlx::core::array& targets);

} // namespace llm::nn
