// SPDX-License-Identifier: MIT
//
// Topic 6: how a model learns: a loss, an update rule, and the loop around
// them.

#pragma once

#include <functional>
#include <vector>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "exercises/include/not_yet.h"

namespace mx = mlx::core;

namespace ex {

/** 6.1: logits [..., V], targets [...] (ids) -> mean loss in nats, a scalar. */
mx::array cross_entropy(const mx::array& logits, const mx::array& targets);

/** The settings of AdamW (Loshchilov and Hutter, arXiv 1711.05101). */
struct AdamW {
  float lr = 1e-3f;
  float beta1 = 0.9f;
  float beta2 = 0.95f;
  float eps = 1e-8f;
  float weight_decay = 0.1f;
};

/** What AdamW remembers of one parameter; zeros at first. */
struct Moments {
  mx::array m; ///< running mean of the gradient
  mx::array v; ///< running mean of its square
};

/** 6.2: the parameter after update `step`, which counts from 1. */
mx::array adamw(
    const mx::array& parameter,
    const mx::array& gradient,
    Moments& moments,
    int step,
    const AdamW& config);

using Arrays = std::vector<mx::array>;

/** (parameters, step) -> the loss on the batch of that step, a scalar. */
using Loss = std::function<mx::array(const Arrays&, int)>;

/** (parameters, gradients, step) -> the parameters after the update. */
using Update = std::function<Arrays(const Arrays&, const Arrays&, int)>;

/** 6.3: trains `parameters`; returns the loss of each step. */
std::vector<float> train(
    Arrays& parameters,
    const Loss& loss,
    const Update& update,
    int steps,
    float max_norm);

} // namespace ex
