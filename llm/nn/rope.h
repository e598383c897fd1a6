// SPDX-License-Identifier: MIT
//
// Rotary positions: each pair of values turns by an angle that grows with the
// position, so that q k^T depends on distance alone (Su et al., arXiv
// 2104.09864). Pairs are (i, i + D / 2), as in Llama's checkpoints. Models for
// longer texts than they were trained on turn more slowly: "scaled".

#pragma once

#include <optional>

#include <mlx/array.h>

namespace llm::nn {

namespace mx = mlx::core;

/** Where the texts of a batch go on: all at one position, or each at its own
 * (ragged: texts of different lengths side by side). */
struct Positions {
  int start = 0;
  std::optional<mx::array> rows; // [B] int32, in place of `start`

  /** Of L tokens: [L], or [B, L] when ragged. int32. */
  mx::array of(int L) const;
};

/** How the positions of a model turn; scaled ones are made below. */
struct Rope {
  float base = 10000.0f; ///< pair i turns by position * base^(-2i / D)
  float scale = 1.0f;    ///< positions are multiplied by it ("linear")
  std::optional<mx::array> periods; // [D / 2], in place of base^(2i / D)
  float magnitude = 1.0f;           ///< the result is multiplied by it ("yarn")

  /** x [B, H, L, D], D even -> the same shape; row l of text b is at position
   * `at` + l. */
  mx::array operator()(const mx::array& x, const Positions& at) const;
};

/** Rope{base}(x, start). */
mx::array rope(const mx::array& x, float base, int start);

/** Llama 3.1's: long periods (over `context` / low_factor) grow by `factor`,
 * short ones (under context / high_factor) stay, between them a blend. */
Rope llama3_rope(
    int dims,
    float base,
    float factor,
    float low_factor,
    float high_factor,
    int context);

struct YarnSettings {
  float factor = 1;
  int context = 4096; ///< that the model was first trained with
  float beta_fast = 32, beta_slow = 1;
  /// Replaces 0.1 ln(factor) + 1, the sharpening of the attention.
  std::optional<float> attention_factor = {};
  float mscale = 0, mscale_all_dim = 0; ///< both not 0: their ratio instead
  bool truncate = true; ///< round the ends of the ramp to whole pairs
};

/** YaRN (Peng et al., arXiv 2309.00071), as transformers computes it. */
Rope yarn_rope(int dims, float base, const YarnSettings& settings);

} // namespace llm::nn
