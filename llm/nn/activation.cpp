// SPDX-License-Identifier: MIT

#include "llm/nn/activation.h"

#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/core/error.h"

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
mx::array gelu_new(const mx::array& x) {
  const double c = 2 * std::sqrt(2 / std::numbers::pi);
  const mx::array cubic = mx::multiply(
      x,
      mx::add(
          constant(c, x),
          mx::multiply(constant(c * 0.044715, x), mx::square(x))));
  return mx::multiply(x, mx::sigmoid(cubic));
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

} // namespace llm::nn
