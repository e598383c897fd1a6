// SPDX-License-Identifier: MIT
//
// The training loop: batches, updates, evaluation, checkpoints, the metrics
// file. It prints nothing; a program watches it through callbacks.
// The output folder holds the model (load.h), metrics.jsonl and checkpoints/.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "llm/core/files.h"
#include "llm/core/json.h"
#include "llm/data/split.h"
#include "llm/models/language_model.h"
#include "llm/tokenizers/tokenizer.h"
#include "llm/training/optimizers.h"
#include "llm/training/schedule.h"

namespace llm {

struct TrainConfig {
  int steps = 2000;   ///< updates in all
  int batch = 12;     ///< windows in a micro-batch
  int block = 64;     ///< tokens in a window, at most the model's context
  int accumulate = 1; ///< micro-batches in an update
  OptimizerConfig optimizer;
  ScheduleConfig schedule;  ///< its `steps` may differ from the run's
  float clip = 1.0f;        ///< largest gradient norm; 0: no clipping
  int eval_every = 0;       ///< updates between evaluations; 0: only at the end
  int eval_batches = 20;    ///< batches of the sampled evaluation
  int sample_every = 0;     ///< updates between samples; 0: only at the end
  int checkpoint_every = 0; ///< 0: only at the end
  int patience =
      0; ///< evaluations without a better one before it stops; 0: off
  bool keep_best = true; ///< save the model with the best evaluation
  bool activation_checkpointing = false;
  bool bfloat16 = false; ///< compute in bfloat16; weights stay float32
  uint64_t seed = 1337;

  /** Throws UsageError for values that make no sense. */
  void validate() const;
  /** Every field that has an influence on the numbers. */
  Json to_json() const;
};

/** What is true of the run but no choice of the trainer. */
struct RunInfo {
  Json data;          ///< name, sha256, ...; compared on resume
  Json header;        ///< further fields of the first line of metrics.jsonl
  std::string readme; ///< front part of the model's README.md
};

/** One line of metrics.jsonl. */
struct StepRecord {
  int64_t step = 0;   ///< updates done
  int64_t tokens = 0; ///< read so far
  double loss = 0;    ///< of this update's batch, nats per token
  double lr = 0;
  double grad_norm = 0;
  double tokens_per_s = 0;
  double seconds = 0;             ///< training so far, over all resumed parts
  std::optional<double> val_loss; ///< sampled
  std::optional<std::string> sample;

  Json to_json() const;
};

struct TrainCallbacks {
  /** Called once before the first update, with the updates done before. */
  std::function<void(int64_t step)> on_start;
  std::function<void(const StepRecord&)> on_step;
  /** Text that the model writes at this step; called when it is due. */
  std::function<std::string(const LanguageModel&, int64_t step)> sample;
  /** True: finish the step, save, stop. */
  std::function<bool()> stop_requested;
  /** Lines for the user, for example a damaged checkpoint. */
  std::function<void(const std::string&)> say;
};

struct TrainResult {
  int64_t steps = 0;       ///< updates done
  double train_loss = 0;   ///< of the last update
  double tokens_per_s = 0; ///< median over this part of the run
  double seconds = 0;
  std::string stopped;   ///< "finished", "interrupted" or "early"
  int64_t best_step = 0; ///< step of the model that was saved
};

/**
 * Trains `model` in place, from its initial weights or, with `resume`, from the
 * newest checkpoint in `out`; afterwards the model is the one that was saved.
 * The caller holds the folder's LockFile.
 *
 * UsageError: `out` holds a model and `resume` is false; InputError: the
 * config, tokenizer or data differ from the checkpoint's (all differences are
 * listed; `force` accepts them and notes it in metrics.jsonl); IoError: a file
 * cannot be written, the last checkpoint is intact; NumericError: see
 * TrainStep.
 */
TrainResult train(
    LanguageModel& model,
    const Tokenizer& tokenizer,
    const Split& split,
    const TrainConfig& config,
    const RunInfo& run,
    const std::filesystem::path& out,
    bool resume,
    bool force,
    const TrainCallbacks& callbacks = {},
    FileSystem& files = real_files());

} // namespace llm
