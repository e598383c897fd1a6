// SPDX-License-Identifier: MIT
//
// Layer norm for training on an NVIDIA GPU: a warp for each row, every value
// read once, where MLX's kernels take three to four times as long for short
// rows.

#pragma once

#include <optional>

#include <mlx/array.h>

namespace llm::kernels {

/** True if cuda_layer_norm() takes x [..., C]. */
bool usable_cuda_norm(
    const mlx::core::array& x,
    const mlx::core::array& weight,
    const std::optional<mlx::core::array>& bias);

/** x [..., C], weight and bias [C], bfloat16 -> [..., C]; sums in float32. */
mlx::core::array cuda_layer_norm(
    const mlx::core::array& x,
    const mlx::core::array& weight,
    const std::optional<mlx::core::array>& bias,
    float eps);

} // namespace llm::kernels
