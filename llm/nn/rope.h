// SPDX-License-Identifier: MIT
//
// Rotary positions: each pair of values turns by an angle that grows with the
// position, so that q k^T depends on distance alone (Su et al., arXiv
// 2104.09864). Pairs are (i, i + D / 2), as in Llama's checkpoints.

#pragma once

#include <mlx/array.h>

namespace llm::nn {

/** x [B, H, L, D], D even -> the same shape. Row l is at position start + l;
 * pair i turns by position * base^(-2i / D). */
mlx::core::array rope(const mlx::core::array& x, float base, int start);

} // namespace llm::nn
