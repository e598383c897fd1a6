// SPDX-License-Identifier: MIT
//
// Embedding: row `id` of a table. Used backwards (as_linear) it is the tied
// output head: one score for each row (Press and Wolf, arXiv 1608.05859).

#pragma once

#include <optional>

#include <mlx/ops.h>

#include "llm/nn/module.h"
#include "llm/nn/quantization.h"

namespace llm::nn {

struct Embedding {
  mx::array weight; // [count, dims]; packed when quantized
  std::optional<Quantization> quantization;

  Embedding(int count, int dims) : weight(mx::zeros({count, dims})) {}

  int dims() const;

  /** ids [...] (integers) -> [..., dims]. */
  mx::array operator()(const mx::array& ids) const;

  /** x [..., dims] -> [..., count]. */
  mx::array as_linear(const mx::array& x) const;

  /** The table in full, [count, dims]. */
  mx::array full_weight() const;

  static void visit(auto& self, auto&& f) {
    f("weight", self.weight);
    if (self.quantization) {
      f("scales", self.quantization->scales);
      f("biases", self.quantization->biases);
    }
  }
};

} // namespace llm::nn
