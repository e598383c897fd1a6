// SPDX-License-Identifier: MIT
//
// What attention.cpp computes, for nodes whose arrays lie otherwise.

#pragma once

#include "llm/kernels/node.h"

namespace llm::kernels {

/** in: q, k, v; out: o, log-sum-exp [B, H, L]. Shapes as nn::causal_attention;
 * any strides but along the last axis. */
void attend_by_heads(float scale, const Tensors& in, const Tensors& out);

/** in: q, k, v, log-sum-exp, do; out: dq, dk, dv. */
void attend_by_heads_gradient(
    float scale,
    const Tensors& in,
    const Tensors& out);

} // namespace llm::kernels
