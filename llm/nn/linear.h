// SPDX-License-Identifier: MIT
//
// Linear: y = x W^T + b. Layers start with zeros: a model's initialize() fills
// them, so that every initial value follows from (seed, name) alone.

#pragma once

#include <optional>

#include <mlx/ops.h>

#include "llm/nn/matmul.h"
#include "llm/nn/module.h"

namespace llm::nn {

struct Linear {
  mx::array weight;              // [out, in]
  std::optional<mx::array> bias; // [out]

  Linear(int in, int out, bool with_bias = true)
      : weight(mx::zeros({out, in})) {
    if (with_bias) {
      bias = mx::zeros({out});
    }
  }

  /** x [..., in] -> [..., out]. */
  mx::array operator()(const mx::array& x) const {
    const mx::array y = nn::matmul(x, mx::transpose(weight));
    return bias ? mx::add(y, *bias) : y;
  }

  static void visit(auto& self, auto&& f) {
    f("weight", self.weight);
    f("bias", self.bias);
  }
};

} // namespace llm::nn
