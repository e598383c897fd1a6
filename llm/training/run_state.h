// SPDX-License-Identifier: MIT
//
// Where a run is, as a checkpoint and back, and whether a checkpoint is of the
// same run. A run may go on only with the settings, model, tokenizer and data
// that it began with: these are its identity, a JSON object.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "llm/core/json.h"
#include "llm/models/language_model.h"
#include "llm/tokenizers/tokenizer.h"
#include "llm/training/checkpoint.h"
#include "llm/training/train_config.h"
#include "llm/training/train_step.h"

namespace llm {

/** All that changes while a run goes on. */
struct RunState {
  TrainState arrays;          ///< weights and moments
  int64_t step = 0;           ///< updates done
  int64_t tokens = 0;         ///< targets that counted in them
  double seconds = 0;         ///< spent in training
  double last_loss = 0;       ///< of the last update
  int64_t metrics_bytes = 0;  ///< of metrics.jsonl that belong to these steps
  std::optional<double> best; ///< lowest sampled validation loss
  int64_t best_step = 0;      ///< updates done then
  int worse = 0;              ///< evaluations since

  /** Updates the best loss; true when it is this one. */
  bool note_val_loss(double val_loss);
  /** Lines for the README.md of a model of a run of `steps` updates. */
  std::string to_text(int steps) const;
};

/** What has to be equal for a run to go on. `data` is that of RunInfo. */
Json run_identity(
    const TrainConfig& config,
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const Json& data);

/** Whether the checkpoint, found in `out`, is of the run `identity`. InputError
 * with all differences when not and `force` is false. */
bool is_same_run(
    const Checkpoint& checkpoint,
    const Json& identity,
    const std::filesystem::path& out,
    bool force);

/** `state` as a checkpoint that knows which run it is of. */
Checkpoint to_checkpoint(const RunState& state, const Json& identity);

/** The inverse. InputError when the arrays do not have the names and shapes of
 * `expected`. */
RunState from_checkpoint(
    const Checkpoint& checkpoint,
    const TrainState& expected);

} // namespace llm
