// SPDX-License-Identifier: MIT
//
// The choices of a training run. The names of the JSON are those that a refused
// resume lists and that the first line of metrics.jsonl shows.

#pragma once

#include <cstdint>

#include "llm/core/json.h"
#include "llm/training/optimizers.h"
#include "llm/training/schedule.h"

namespace llm {

struct TrainConfig {
  int steps = 2000;     ///< updates in all
  int batch = 12;       ///< windows in a micro-batch
  int block = 64;       ///< tokens in a window, at most the model's context
  int short_every = 0;  ///< every n-th batch has short windows; 0: none
  int short_block = 16; ///< tokens in a short window; as many more windows
  int accumulate = 1;   ///< micro-batches in an update
  OptimizerConfig optimizer;
  ScheduleConfig schedule;  ///< its `steps` may differ from the run's
  float clip = 1.0f;        ///< largest gradient norm; 0: no clipping
  int eval_every = 0;       ///< updates between evaluations; 0: only at the end
  int eval_batches = 20;    ///< batches of the sampled evaluation
  int sample_every = 0;     ///< updates between samples; 0: only at the end
  int checkpoint_every = 0; ///< 0: only at the end
  int patience = 0;      ///< evaluations without a better one to stop; 0: off
  bool keep_best = true; ///< save the model with the best evaluation
  bool activation_checkpointing = false;
  bool bfloat16 = false; ///< compute in bfloat16; weights stay float32
  uint64_t seed = 1337;

  /** Throws UsageError for values that make no sense. */
  void validate() const;
  /** Another number of updates: the schedule ends with the run, and the warm-up
   * takes a tenth of it at most. */
  void set_steps(int n);
  /** Another window: a short one has an eighth of it, or there are none where
   * that cannot be. */
  void set_block(int n);

  /** Every field that has an influence on the numbers. */
  Json to_json() const;
};

} // namespace llm
