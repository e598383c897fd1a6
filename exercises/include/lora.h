// SPDX-License-Identifier: MIT
//
// Topic 8: LoRA (Hu et al., arXiv 2106.09685). A frozen layer y = x W^T gets a
// thin one beside it, of which alone A and B are trained. Shapes as in mlx-lm:
// weight W [out, in], a [in, rank], b [rank, out].

#pragma once

#include <mlx/ops.h>

#include "exercises/include/not_yet.h"

namespace mx = mlx::core;

namespace ex {

/** 8.1: the layer with its adapter, x [..., in] -> [..., out]. */
mx::array lora_linear(
    const mx::array& x,
    const mx::array& weight,
    const mx::array& a,
    const mx::array& b,
    float scale);

/** 8.2: one weight [out, in] that does the same alone. */
mx::array lora_merge(
    const mx::array& weight,
    const mx::array& a,
    const mx::array& b,
    float scale);

/** The gradients of the two matrices, in their shapes. */
struct LoraGradients {
  mx::array a;
  mx::array b;
};

/** 8.3: x [..., in] went in; `dy` [..., out] is the gradient of the loss with
 * respect to what came out of 8.1. */
LoraGradients lora_gradients(
    const mx::array& x,
    const mx::array& dy,
    const mx::array& a,
    const mx::array& b,
    float scale);

} // namespace ex
