// SPDX-License-Identifier: MIT
//
// One update of the weights: gradients of a few micro-batches, their mean,
// clipping, the optimizer. Everything goes in and comes out as arrays, so that
// both halves compile to fixed graphs and hold no hidden state.

#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "llm/models/language_model.h"
#include "llm/training/optimizers.h"
#include "llm/training/task.h"

namespace llm {

/** Weights and moments, before or after an update. */
struct TrainState {
  nn::Parameters parameters; ///< float32 (also when computing in bfloat16);
                             ///< only those that are trained
  nn::Parameters optimizer;
};

struct StepOutput {
  TrainState state; ///< after the update
  double loss = 0;  ///< mean over the micro-batches' targets, before the update
  double grad_norm = 0; ///< before clipping
};

/** An update that is being computed: its arrays may be used, nothing waits. */
struct PendingStep {
  TrainState state; ///< after the update; as before it if that was not finite
  mx::array norm;   ///< of the gradient, before clipping
  std::vector<mx::array> losses; ///< of the micro-batches
  nn::Parameters grads;          ///< on a CPU, to name what is not finite
  int64_t step;
};

class TrainStep {
 public:
  /** `clip` is the largest gradient norm (0: no clipping); `compute` the type
   * the trained parameters compute in. `model` must outlive this object. */
  TrainStep(
      LanguageModel& model,
      OptimizerConfig optimizer,
      float clip,
      mx::Dtype compute = mx::float32,
      const nn::PathFilter& trainable = nn::everything,
      TrainLoss loss = next_token_loss);
  TrainStep(const TrainStep&) = delete; // the compiled functions hold `this`
  TrainStep& operator=(const TrainStep&) = delete;

  /**
   * The update number `step` (0 for the first) with learning rate `lr`.
   * `dropout_key` seeds dropout, one key for each micro-batch derived from it.
   * Throws NumericError, before anything changes, when the loss or a gradient
   * is not finite; it names the step and the first such tensor.
   */
  StepOutput operator()(
      const TrainState& state,
      const std::vector<TrainBatch>& micro_batches,
      int64_t step,
      float lr,
      uint64_t dropout_key) const;

  /** The same in two halves: begins the update, and waits for it. A GPU is
   * never idle if the next update begins before this one is waited for;
   * finish() throws then, and the state that came of it is the one before. */
  PendingStep start(
      const TrainState& state,
      const std::vector<TrainBatch>& micro_batches,
      int64_t step,
      float lr,
      uint64_t dropout_key) const;
  StepOutput finish(PendingStep pending) const;

  /** The model's parameters that are trained, as they are now. */
  nn::Parameters trained() const;

  nn::Parameters initial_optimizer_state(const nn::Parameters& p) const {
    return optimizer_.init(p);
  }

 private:
  using Function =
      std::function<std::vector<mx::array>(const std::vector<mx::array>&)>;

  std::vector<mx::array> gradients(const std::vector<mx::array>& in) const;
  std::vector<mx::array> update(const std::vector<mx::array>& in) const;
  void require_finite(
      double loss,
      double norm,
      const nn::Parameters& grads,
      int64_t step) const;

  LanguageModel& model_;
  Optimizer optimizer_;
  float clip_;
  mx::Dtype compute_;
  TrainLoss loss_;
  nn::Parameters names_; ///< the trained parameters: their names and order
  nn::Parameters state_names_;
  nn::Parameters frozen_; ///< the other weights, as the step computes with them
  Function compiled_gradients_, compiled_update_;
};

} // namespace llm
