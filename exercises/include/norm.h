// SPDX-License-Identifier: MIT
//
// Topic 3: softmax and layer norm, the two operations of a transformer that
// look at a whole row. A row is the last axis: x [..., D].

#pragma once

#include <mlx/ops.h>

#include "exercises/include/not_yet.h"

namespace mx = mlx::core;

namespace ex {

/** 3.1: scores x [..., D] -> probabilities [..., D]. */
mx::array softmax(const mx::array& x);

/** 3.2: x [..., D], weight and bias [D] -> [..., D]. */
mx::array layer_norm(
    const mx::array& x,
    const mx::array& weight,
    const mx::array& bias,
    float eps);

/** 3.3: the gradient of the loss with respect to x [..., D], if `dy` [..., D]
 * is the one with respect to y = layer_norm(x, 1, 0, eps). */
mx::array
layer_norm_gradient(const mx::array& x, const mx::array& dy, float eps);

} // namespace ex
