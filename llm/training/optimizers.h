// SPDX-License-Identifier: MIT
//
// How a gradient becomes a change of the weights. Each optimizer is one short
// rule for one array (optimizers.cpp); this class applies the rule to all
// arrays and keeps their moments under "m.<path>" and "v.<path>", so that the
// state of a run saves to a safetensors file like the weights do.
//
//   sgd       p -= lr g                        (g includes decay p: L2)
//   momentum  m = mu m + g; p -= lr m          (nesterov: g + mu m), L2
//   adam      Kingma & Ba, arXiv 1412.6980     (weight decay as L2)
//   adamw     Loshchilov & Hutter, 1711.05101  (decay apart from g)
//   lion      Chen et al., 2302.06675          (only the sign of a mean)
//   muon      K. Jordan 2024; scale of 2502.16982; AdamW where it is not meant

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "llm/nn/module.h"

namespace llm {

/** Hyper-parameters; an optimizer reads only those it knows. */
struct OptimizerConfig {
  std::string name = "adamw";
  float beta1 = 0.9f;          ///< adam, adamw, lion: decay rate of the mean
  float beta2 = 0.95f;         ///< adam, adamw: of the mean square; lion: of m
  float eps = 1e-8f;           ///< adam, adamw: keeps the division finite
  float weight_decay = 0.1f;   ///< on matrices only (ndim >= 2), all optimizers
  float momentum = 0.95f;      ///< momentum and muon
  bool nesterov = false;       ///< momentum only; muon always looks ahead
  int newton_schulz_steps = 5; ///< muon
  float adamw_lr_scale = 1.0f; ///< muon: AdamW's rate is lr * this
  bool bias_correction = true; ///< adam, adamw; mlx-lm's default leaves it out
  float lora_b_lr_scale = 1.0f; ///< LoRA+ (arXiv 2402.12354): lora_b's rate is
                                ///< lr * this
};

/** What one update returns: new arrays by the same names. */
struct OptimizerStep {
  nn::Parameters params;
  nn::Parameters state;
};

/** The names OptimizerConfig::name may have. */
std::vector<std::string> optimizer_names();

/** An update rule. Holds no arrays: state goes in and out of step(). */
class Optimizer {
 public:
  /** Throws UsageError for an unknown name or a value out of range. */
  explicit Optimizer(OptimizerConfig config);

  const OptimizerConfig& config() const {
    return config_;
  }

  /** State before the first update: float32 zeros by "m.<path>", "v.<path>". */
  nn::Parameters init(const nn::Parameters& params) const;

  /**
   * One update of all `params` (a pure function, made to be compiled).
   *
   * `lr` and `step` are float32 scalars, arrays so that a compiled graph does
   * not fix their values; `step` counts updates and is 1 in the first.
   * Gradients are first multiplied by `scale` (clip_scale()), if there is one.
   * Where `good` (a bool scalar) is given and false, nothing changes.
   * Arithmetic is float32; a parameter keeps its type. Throws UsageError when
   * a gradient or a moment is missing or has the wrong shape.
   */
  OptimizerStep step(
      const nn::Parameters& params,
      const nn::Parameters& grads,
      const nn::Parameters& state,
      const mx::array& lr,
      const mx::array& step,
      const std::optional<mx::array>& scale = std::nullopt,
      const std::optional<mx::array>& good = std::nullopt) const;

 private:
  OptimizerConfig config_;
};

/** Length of all gradients taken as one vector: a float32 scalar. */
mx::array global_norm(const nn::Parameters& grads);

/**
 * What clipping multiplies gradients by: min(1, max_norm / (norm + 1e-6)), as
 * PyTorch's clip_grad_norm_; `norm` is global_norm(grads). Throws UsageError
 * unless max_norm > 0.
 */
mx::array clip_scale(float max_norm, const mx::array& norm);

/** The gradients times clip_scale(). */
nn::Parameters
clip(const nn::Parameters& grads, float max_norm, const mx::array& norm);

} // namespace llm
