// SPDX-License-Identifier: MIT
//
// Linear: y = x W^T + b. Layers start with zeros: a model's initialize() fills
// them, so that every initial value follows from (seed, name) alone.
// Quantization and LoRA attach to it, in any combination: a model does not
// change when its layers do.

#pragma once

#include <optional>

#include <mlx/ops.h>

#include "llm/nn/lora.h"
#include "llm/nn/module.h"
#include "llm/nn/quantization.h"

namespace llm::nn {

struct Linear {
  mx::array weight;              // [out, in]; packed when quantized
  std::optional<mx::array> bias; // [out]
  std::optional<Quantization> quantization;
  std::optional<LoRA> lora;

  Linear(int in, int out, bool with_bias = true)
      : weight(mx::zeros({out, in})) {
    if (with_bias) {
      bias = mx::zeros({out});
    }
  }

  int in() const;
  int out() const {
    return weight.shape(0);
  }

  /** x [..., in] -> [..., out]. */
  mx::array operator()(const mx::array& x) const;

  /** The weight in full, [out, in], without the adapter. */
  mx::array full_weight() const;

  /** The weight with the adapter in it, [out, in]. */
  mx::array merged_weight() const;

  static void visit(auto& self, auto&& f) {
    f("weight", self.weight);
    f("bias", self.bias);
    if (self.quantization) {
      f("scales", self.quantization->scales);
      f("biases", self.quantization->biases);
    }
    if (self.lora) {
      LoRA::visit(*self.lora, f);
    }
  }
};

} // namespace llm::nn
