// SPDX-License-Identifier: MIT
//
// An optimizer's work on an NVIDIA GPU: several parameters in one pass, where
// operations for each parameter are some hundred small ones.

#pragma once

#include <vector>

#include "llm/kernels/cuda_kernel.h"

namespace llm::kernels {

/** Each as bfloat16. Float32 in, several in one kernel. */
std::vector<mx::array> cuda_cast(const std::vector<mx::array>& arrays);

/** The sum of all squares, a float32 scalar; of float32 or bfloat16. */
mx::array cuda_squares(const std::vector<mx::array>& arrays);

struct CudaAdamW {
  float beta1, beta2, eps;
  std::vector<float> decays; ///< of each parameter
};

/**
 * in: p..., g..., m..., v..., and five numbers: learning rate, the two bias
 * corrections, what gradients are multiplied by, and 1 (or 0: change nothing).
 * out: p..., m..., v... . Gradients are float32 or bfloat16, all else float32.
 */
std::vector<mx::array> cuda_adamw(
    const std::vector<mx::array>& in,
    const CudaAdamW& settings);

} // namespace llm::kernels
