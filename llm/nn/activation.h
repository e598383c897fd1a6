// SPDX-License-Identifier: MIT
//
// Activations by the names config.json uses.
//   gelu      x/2 (1 + erf(x / sqrt 2))            Hendrycks, Gimpel 1606.08415
//   gelu_new  x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))       GPT-2's form
//   relu      max(x, 0)
//   silu      x sigmoid(x)                          the gate of SwiGLU

#pragma once

#include <string>
#include <string_view>

#include <mlx/array.h>

namespace llm::nn {

enum class Activation { gelu, gelu_new, relu, silu };

/** Throws UsageError for a name that is not in the list above. */
Activation parse_activation(std::string_view name);
std::string to_string(Activation activation);

/** Applies it to every element; the shape stays. */
mlx::core::array apply(Activation activation, const mlx::core::array& x);

/** silu(gate) * up, elementwise: the middle of SwiGLU. */
mlx::core::array swiglu(
    const mlx::core::array& gate,
    const mlx::core::array& up);

} // namespace llm::nn
