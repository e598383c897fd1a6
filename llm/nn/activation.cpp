// SPDX-License-Identifier: MIT

#include "llm/nn/activation.h"

#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <utility>

#include <mlx/compile.h>
#include <mlx/device.h>
#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/core/error.h"
#include "llm/kernels/cuda_elementwise.h"
#include "llm/kernels/kernels.h"

namespace llm::nn {

namespace mx = mlx::core;

namespace {

constexpr std::array<std::pair<std::string_view, Activation>, 4> names = {
    {{"gelu", Activation::gelu},
     {"gelu_new", Activation::gelu_new},
     {"relu", Activation::relu},
     {"silu", Activation::silu}}};

mx::array constant(double value, const mx::array& like) {
  return mx::array(static_cast<float>(value), like.dtype());
}

mx::array gelu(const mx::array& x) {
  const mx::array half_x = mx::multiply(x, constant(0.5, x));
  const mx::array e =
      mx::erf(mx::multiply(x, constant(std::numbers::sqrt2 / 2, x)));
  return mx::add(half_x, mx::multiply(half_x, e));
}

// (1 + tanh(u)) / 2 = sigmoid(2u): one exponential instead of a tanh.
// [snippet gelu-new]
mx::array gelu_new(const mx::array& x) {
  const double c = 2 * std::sqrt(2 / std::numbers::pi);
  const mx::array cubic = mx::multiply(
      x,
      mx::add(
          constant(c, x),
          mx::multiply(constant(c * 0.044715, x), mx::square(x))));
  return mx::multiply(x, mx::sigmoid(cubic));
}
// [/snippet]

mx::array plain(Activation activation, const mx::array& x) {
  switch (activation) {
    case Activation::gelu:
      return gelu(x);
    case Activation::gelu_new:
      return gelu_new(x);
    case Activation::relu:
      return mx::maximum(x, mx::array(0.0f, x.dtype()));
    case Activation::silu:
      return mx::multiply(x, mx::sigmoid(x));
  }
  return x;
}

// in: gate, up.
std::vector<mx::array> plain_swiglu(const std::vector<mx::array>& in) {
  // [snippet swiglu]
  return {mx::multiply(plain(Activation::silu, in[0]), in[1])};
  // [/snippet]
}

/** The kernel for an activation, if there is one. */
std::optional<kernels::Unary> kernel_for(Activation activation) {
  switch (activation) {
    case Activation::gelu:
      return kernels::Unary::gelu;
    case Activation::gelu_new:
      return kernels::Unary::gelu_new;
    case Activation::silu:
      return kernels::Unary::silu;
    case Activation::relu:
      break;
  }
  return std::nullopt;
}

} // namespace

Activation parse_activation(std::string_view name) {
  for (const auto& [known, activation] : names) {
    if (known == name) {
      return activation;
    }
  }
  throw UsageError(
      "activation",
      "expected gelu, gelu_new, relu or silu but received \"" +
          std::string(name) + "\".");
}

std::string to_string(Activation activation) {
  for (const auto& [name, known] : names) {
    if (known == activation) {
      return std::string(name);
    }
  }
  return "";
}

mx::array apply(Activation activation, const mx::array& x) {
  if constexpr (kernels::built) {
    if (activation == Activation::gelu && kernels::usable_cuda_elementwise(x)) {
      return kernels::cuda_gelu(x);
    }
    const auto kernel = kernel_for(activation);
    if (kernel && kernels::usable({x})) {
      const auto twin = [activation](const std::vector<mx::array>& in) {
        return std::vector<mx::array>{plain(activation, in[0])};
      };
      return kernels::activation(*kernel, x, twin);
    }
  }
  return plain(activation, x);
}

mx::array swiglu(const mx::array& gate, const mx::array& up) {
  if constexpr (kernels::built) {
    if (kernels::usable({gate, up})) {
      return kernels::swiglu(gate, up, plain_swiglu);
    }
  }
  if (mx::default_device() == mx::Device::gpu) { // one operation, not three
    static thread_local const auto fused = mx::compile(plain_swiglu, true);
    return fused({gate, up})[0];
  }
  return plain_swiglu({gate, up})[0];
}

} // namespace llm::nn
