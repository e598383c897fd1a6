// SPDX-License-Identifier: MIT
//
// LayerNorm: (x - mean) / sqrt(var + eps) * weight + bias, over the last axis
// (Ba et al., arXiv 1607.06450). RMSNorm leaves out mean and bias
// (Zhang and Sennrich, arXiv 1910.07467).

#pragma once

#include <optional>
#include <utility>

#include <mlx/ops.h>

#include "llm/nn/module.h"

namespace llm::nn {

/** The formulas above; x [..., dims], weight and bias [dims]. */
mx::array layer_norm(
    const mx::array& x,
    const mx::array& weight,
    const std::optional<mx::array>& bias,
    float eps);
mx::array rms_norm(const mx::array& x, const mx::array& weight, float eps);

struct LayerNorm {
  mx::array weight;              // [dims]
  std::optional<mx::array> bias; // [dims]
  float eps;

  explicit LayerNorm(int dims, float eps = 1e-5f, bool with_bias = true)
      : weight(mx::ones({dims})), eps(eps) {
    if (with_bias) {
      bias = mx::zeros({dims});
    }
  }

  /** x [..., dims] -> [..., dims]. */
  mx::array operator()(const mx::array& x) const {
    return layer_norm(x, weight, bias, eps);
  }

  static void visit(auto& self, auto&& f) {
    f("weight", self.weight);
    f("bias", self.bias);
  }
};

// [snippet rms-norm-layer]
struct RMSNorm {
  mx::array weight; // [dims]
  float eps;

  explicit RMSNorm(int dims, float eps = 1e-5f)
      : weight(mx::ones({dims})), eps(eps) {}

  /** x [..., dims] -> [..., dims]. */
  mx::array operator()(const mx::array& x) const {
    return rms_norm(x, weight, eps);
  }

  static void visit(auto& self, auto&& f) {
    f("weight", self.weight);
  }
};
// [/snippet]

/** {x + r, norm(x + r)}: what is added to the residual stream, and what the
 * next part reads of it; one pass over memory where we have a kernel. */
std::pair<mx::array, mx::array>
add_norm(const mx::array& x, const mx::array& r, const LayerNorm& norm);
std::pair<mx::array, mx::array>
add_norm(const mx::array& x, const mx::array& r, const RMSNorm& norm);

} // namespace llm::nn
