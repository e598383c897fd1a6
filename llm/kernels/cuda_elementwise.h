// SPDX-License-Identifier: MIT
//
// What training does value by value on an NVIDIA GPU, each in one pass forward
// and one backward. What mx::compile fuses keeps what the backward pass needs
// in memory; these compute it again.

#pragma once

#include <mlx/array.h>

namespace llm::kernels {

/** True if the two below take x, whose last axis is even. */
bool usable_cuda_elementwise(const mlx::core::array& x);

/** x Phi(x), with the error function. */
mlx::core::array cuda_gelu(const mlx::core::array& x);

/** x with each value zeroed with probability p, the others scaled. */
mlx::core::array
cuda_dropped(const mlx::core::array& x, const mlx::core::array& key, float p);

/** Rows of table [V, C] by ids [...] -> [..., C]; V is small: the gradient is a
 * product with ones where the ids are, the same bits each time. */
bool usable_cuda_rows(const mlx::core::array& table);
mlx::core::array cuda_rows(
    const mlx::core::array& table,
    const mlx::core::array& ids);

} // namespace llm::kernels
