// SPDX-License-Identifier: MIT
//
// GPT-2 below its head for training on an NVIDIA GPU, both directions written
// down. A small model's step is bound by the host, which spends some 20
// microseconds for each node of MLX's graph: derived operation by operation
// there are more than twice as many. Written down, a norm also adds what the
// layer before it found, and on the way back drops what the layer before it
// dropped. The formulas are those of llm/models/gpt.h; a test says that both
// agree.

#pragma once

#include <vector>

#include <mlx/array.h>

#include "llm/kernels/cuda_parts.h"

namespace llm::kernels {

/** Matrices as in llm/models/gpt.h, no biases; C columns. */
struct CudaGPTBlock {
  mx::array ln_1, attention, attention_out, ln_2, up, down;
  Dropping of_weights, of_attention, of_mlp;
};

struct CudaGPT {
  mx::array wte, wpe;
  Dropping of_embedding;
  std::vector<CudaGPTBlock> blocks;
  mx::array ln_f;
  int heads;
  float eps; ///< of all norms
};

/** True if cuda_gpt() takes tokens [B, L] and these: all bfloat16, heads of 64,
 * L a multiple of 64 and not above the rows of wpe, at least one block. */
bool usable_cuda_gpt(const mx::array& tokens, const CudaGPT& model);

/** tokens [B, L] -> what the head reads, [B, L, C]. */
mx::array cuda_gpt(const mx::array& tokens, const CudaGPT& model);

} // namespace llm::kernels
