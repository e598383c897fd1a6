// SPDX-License-Identifier: MIT
//
// Activation checkpointing: keep a block's input only and compute its inside
// again in the backward pass, which trades time for memory
// (Chen et al., arXiv 1604.06174).

#pragma once

#include <mlx/transforms.h>

#include "llm/nn/module.h"

namespace llm::nn {

/** block(x), recomputed in the backward pass. The parameters that are being
 * differentiated (tracers) go in as inputs: MLX gives no gradient to what a
 * checkpointed function captures. Frozen ones stay captured: packed weights
 * have no gradient, and asking for one is an error. */
template <class Block>
mx::array checkpointed(const Block& block, const mx::array& x) {
  Parameters own = parameters(block);
  std::erase_if(own, [](const auto& item) { return !item.second.is_tracer(); });
  std::vector<mx::array> inputs = {x};
  for (const auto& [path, array] : own) {
    inputs.push_back(array);
  }
  auto function = [block = Block(block),
                   own](const std::vector<mx::array>& in) mutable {
    Parameters values;
    size_t i = 1;
    for (const auto& [path, array] : own) {
      values.emplace(path, in[i++]);
    }
    assign(block, values);
    return std::vector<mx::array>{block(in[0])};
  };
  return mx::checkpoint(function)(inputs)[0];
}

} // namespace llm::nn
