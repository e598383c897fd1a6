// SPDX-License-Identifier: MIT
//
// A whole block of GPT-2 for training on an NVIDIA GPU, both directions written
// down. A small model's step is bound by the host, which spends microseconds
// for each node of MLX's graph: derived operation by operation a block has more
// than twice as many. The formulas are those of llm/models/gpt.h; a test says
// that both agree.

#pragma once

#include <optional>

#include <mlx/array.h>

namespace llm::kernels {

struct GPTBlockWeights {
  mlx::core::array ln_1, attention, attention_out, ln_2, up, down;
};

struct GPTBlockOptions {
  int heads;
  float eps_1, eps_2;
  // Dropout of the attention's weights, of its output, of the MLP's; a key
  // where it is on.
  float p_weights, p_attention, p_mlp;
  std::optional<mlx::core::array> key_weights, key_attention, key_mlp;
};

/** True if cuda_gpt_block() takes x [B, L, C] and these: all bfloat16, heads of
 * 64, L a multiple of 64. */
bool usable_cuda_gpt_block(
    const mlx::core::array& x,
    const GPTBlockWeights& w,
    const GPTBlockOptions& o);

/** x [B, L, C] -> [B, L, C]. */
mlx::core::array cuda_gpt_block(
    const mlx::core::array& x,
    const GPTBlockWeights& w,
    const GPTBlockOptions& o);

} // namespace llm::kernels
