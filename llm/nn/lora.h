// SPDX-License-Identifier: MIT
//
// LoRA: a frozen layer plus a small one beside it, y = W x + scale * B A x, of
// which only A and B are trained (Hu et al., arXiv 2106.09685). DoRA also
// learns the length of each row of W + scale * B A (Liu et al., arXiv
// 2402.09353). It attaches to a Linear, quantized (QLoRA, arXiv 2305.14314) or
// not. Names and shapes are those of mlx-lm's adapter files.

#pragma once

#include <optional>

#include <mlx/array.h>

#include "llm/nn/dropout.h"

namespace llm::nn {

struct LoRA {
  mx::array lora_a;           // [in, rank]
  mx::array lora_b;           // [rank, out]; zeros at first: nothing changes
  std::optional<mx::array> m; // [out]: lengths of the rows; only DoRA has it
  float scale;
  Dropout dropout; // on the input of lora_a

  /** Zeros; `with_magnitude` makes it DoRA, whose m the caller fills. */
  LoRA(int in, int out, int rank, float scale, float dropout, bool with_m);

  /** What is added to y = W x: x [..., in] -> [..., out]. */
  mx::array operator()(const mx::array& x) const;

  /** scale * (A B)^T, [out, in]: what the adapter adds to the weight. */
  mx::array delta() const;

  static void visit(auto& self, auto&& f) {
    f("lora_a", self.lora_a);
    f("lora_b", self.lora_b);
    f("m", self.m);
    f("dropout", self.dropout);
  }
};

/** Lengths of the rows of `weight` [out, in], [out]. */
mx::array row_lengths(const mx::array& weight);

} // namespace llm::nn
