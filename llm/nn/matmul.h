// SPDX-License-Identifier: MIT
//
// The matrix product that layers use.

#pragma once

#include <mlx/array.h>

namespace llm::nn {

/** x [..., K] times w [K, N] -> [..., N]. */
mlx::core::array matmul(const mlx::core::array& x, const mlx::core::array& w);

} // namespace llm::nn
