// SPDX-License-Identifier: MIT
//
// The matrix product that layers use.

#pragma once

#include <mlx/array.h>

namespace llm::nn {

/** x [..., K] times w [K, N] -> [..., N]. */
mlx::core::array matmul(const mlx::core::array& x, const mlx::core::array& w);

/** x [..., K] times w [N, K] transposed -> [..., N]: a layer's product. With up
 * to 16 rows of x the result of a row does not depend on the others, to the
 * bit, where our CPU kernels run. */
mlx::core::array matmul_transposed(
    const mlx::core::array& x,
    const mlx::core::array& w);

} // namespace llm::nn
