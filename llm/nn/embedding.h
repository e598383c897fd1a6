// SPDX-License-Identifier: MIT
//
// Embedding: row `id` of a table. Used backwards (as_linear) it is the tied
// output head: one score for each row (Press and Wolf, arXiv 1608.05859).

#pragma once

#include <mlx/ops.h>

#include "llm/nn/matmul.h"
#include "llm/nn/module.h"

namespace llm::nn {

struct Embedding {
  mx::array weight; // [count, dims]

  Embedding(int count, int dims) : weight(mx::zeros({count, dims})) {}

  /** ids [...] (integers) -> [..., dims]. */
  mx::array operator()(const mx::array& ids) const {
    return mx::take(weight, ids, 0);
  }

  /** x [..., dims] -> [..., count]. */
  mx::array as_linear(const mx::array& x) const {
    return nn::matmul(x, mx::transpose(weight));
  }

  static void visit(auto& self, auto&& f) {
    f("weight", self.weight);
  }
};

} // namespace llm::nn
