// SPDX-License-Identifier: MIT
//
// The rules of the optimizers, for the walk in optimizers.cpp.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include <mlx/array.h>

#include "llm/training/optimizers.h"

namespace llm {

/** Scalars that all arrays of one update share, computed once. */
struct Shared {
  mx::array lr;
  mx::array correction1; ///< 1 - beta1^t: moments start at zero, so they
  mx::array correction2; ///< are too small at first; see Adam, section 3
  mx::array scale;       ///< of the gradients, for rules that multiply by it
  mx::array adamw_lr;    ///< lr, but for AdamW beside Muon
  mx::array scalars; ///< [4]: adamw_lr, the corrections, scale, in one array
  std::optional<mx::array> good = {}; ///< see Optimizer::step
};

/** One array on its way through a rule, which changes p and moments. */
struct Leaf {
  mx::array p;
  mx::array g;
  std::vector<mx::array> moments;
  float decay; ///< 0 for vectors: norms and biases have no reason to shrink
};

/** Changes all arrays that it is responsible for. */
using Rule =
    void (*)(const OptimizerConfig&, const Shared&, std::vector<Leaf>&);

struct Method {
  std::string name;
  std::vector<std::string> moments; ///< prefixes of the names in the state
  Rule rule;
  bool scales = false;   ///< multiplies gradients by Shared::scale itself
  bool any_type = false; ///< takes bfloat16 gradients, on an NVIDIA GPU
};

/** All methods, by the names OptimizerConfig::name may have. */
const std::vector<Method>& methods();

/** Throws UsageError for an unknown name. */
const Method& method_named(const std::string& name);

/** The rule for one parameter: Muon has AdamW beside it. */
const Method& method_for(
    const OptimizerConfig& config,
    const std::string& path,
    const mx::array& parameter);

/** What the rules share in update `step`. */
Shared shared_values(
    const OptimizerConfig& config,
    const mx::array& lr,
    const mx::array& step,
    const mx::array& scale);

} // namespace llm
