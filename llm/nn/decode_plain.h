// SPDX-License-Identifier: MIT
//
// The plain twin of decode_block() (decode.h): the same block in operations of
// MLX, for its gradient and for vmap. Internal to nn.

#pragma once

#include <optional>
#include <vector>

#include "llm/nn/decode.h"

namespace llm::nn {

using DecodeArrays = std::vector<mx::array>;

/** What decode_plain() needs to know beside the arrays. */
struct DecodeShape {
  struct Layer {
    int bits;
    bool bias;
  };
  Layer q, k, v, o, gate, up, down;
  float attention_eps, mlp_eps;
  std::optional<float> q_eps, k_eps;
  int heads, kv_heads;
  Rope rope;
};

/** Where a text is: the new token's position and slot, the slots it sees. */
struct DecodePlace {
  int position, slot, begin, end;
};

DecodeShape decode_shape(const DecodeBlock& b);

/** `in`: the arrays in the order of kernels::decode_block's `plain`. Returns y,
 * the queries, and keys and values of each text. */
DecodeArrays decode_plain(
    const DecodeShape& shape,
    const std::vector<DecodePlace>& places,
    const DecodeArrays& in);

/** Of the scores of heads D wide. */
float decode_scale(int D);

} // namespace llm::nn
