// SPDX-License-Identifier: MIT
//
// A decoder block for one new token of each text in five operations instead of
// some twenty-five. On a CPU a token costs little more than reading the weights
// once; what the operations cost between them then shows. Numbers are those of
// the plain layers (to rounding); where can_decode() is false a model calls
// its layers one by one.

#pragma once

#include <initializer_list>
#include <optional>
#include <vector>

#include "llm/nn/linear.h"
#include "llm/nn/norm.h"
#include "llm/nn/rope.h"

namespace llm::nn {

/** True for x [B, 1, C] with B at most 16 on a CPU in float32, if the layers
 * are float32 or packed in 4 or 8 bits and have no adapters. */
bool can_decode(
    const mx::array& x,
    std::initializer_list<const Linear*> layers);

/** norm(x) through layers that read the same: [..., C] -> [..., N1 + ...]. */
mx::array norm_project(
    const mx::array& x,
    const RMSNorm& norm,
    std::initializer_list<const Linear*> layers);

/** residual + layer(x). */
mx::array
project_add(const mx::array& x, const Linear& layer, const mx::array& residual);

/** silu(gate(norm(x))) * up(norm(x)). */
mx::array norm_swiglu(
    const mx::array& x,
    const RMSNorm& norm,
    const Linear& gate,
    const Linear& up);

/** What attention does between its products. */
struct DecodeHeads {
  int heads, kv_heads;
  Rope rope;
  std::optional<RMSNorm> q_norm, k_norm; // over D
  float scale = 0;                       ///< of the scores; 0: 1 / sqrt(D)
  int window = 0;                        ///< as in AttentionOptions
};

/** One text's keys and values [1, H_kv, n, D] with room for a new one at
 * `slot`; the query sees slots [begin, end). */
struct CachedRow {
  mx::array keys, values;
  int position; ///< of the new token
  int slot, begin, end;
};

struct Attended {
  mx::array y;       // [B, 1, H D]
  mx::array queries; // [B, H, 1, D], normalized and turned
  std::vector<std::pair<mx::array, mx::array>> stores; // keys, values
};

/** qkv [B, 1, (H + 2 H_kv) D], a row for each text. */
Attended attend_cached(
    const mx::array& qkv,
    const std::vector<CachedRow>& rows,
    const DecodeHeads& heads);

} // namespace llm::nn
