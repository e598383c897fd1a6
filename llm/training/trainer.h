// SPDX-License-Identifier: MIT
//
// The training loop: batches, updates, evaluation, checkpoints, the metrics
// file. It prints nothing; a program watches it through callbacks.
// The output folder holds the model (load.h), metrics.jsonl and checkpoints/.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "llm/core/files.h"
#include "llm/core/json.h"
#include "llm/data/split.h"
#include "llm/models/language_model.h"
#include "llm/tokenizers/tokenizer.h"
#include "llm/training/metrics.h"
#include "llm/training/task.h"
#include "llm/training/train_config.h"

namespace llm {

/** What is true of the run but no choice of the trainer. */
struct RunInfo {
  Json data;          ///< name, sha256, ...; compared on resume
  Json header;        ///< further fields of the first line of metrics.jsonl
  std::string readme; ///< front part of the model's README.md
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
    const TrainTask& task,
    const TrainConfig& config,
    const RunInfo& run,
    const std::filesystem::path& out,
    bool resume,
    bool force,
    const TrainCallbacks& callbacks = {},
    FileSystem& files = real_files());

/** The same for pretraining_task(). */
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
