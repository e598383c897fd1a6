// SPDX-License-Identifier: MIT
//
// What a run learns: from which batches, by which loss, in which parameters,
// and what it leaves in the output folder. The loop in trainer.h is the same
// for all: pretraining.h reads random windows of a text and saves a model,
// instruction_task.h reads examples and saves a model or an adapter.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "llm/core/files.h"
#include "llm/core/json.h"
#include "llm/data/batches.h"
#include "llm/models/language_model.h"

namespace llm {

/** One micro-batch. */
struct TrainBatch {
  std::vector<mx::array> arrays; ///< what the loss reads
  int64_t tokens = 0;            ///< targets that count
  int64_t weight = 0; ///< of its mean beside those of the other micro-batches

  TrainBatch(std::vector<mx::array> a, int64_t n, int64_t w)
      : arrays(std::move(a)), tokens(n), weight(w) {}
  /** Windows in which every target counts. */
  TrainBatch(const Batch& b) : TrainBatch({b.x, b.y}, b.y.size(), b.y.size()) {}
};

/** (model with the parameters to judge, TrainBatch::arrays) -> a scalar, the
 * mean over the targets that count. */
using TrainLoss = std::function<
    mx::array(const LanguageModel&, const std::vector<mx::array>&)>;

/** Mean cross entropy of {x, y}, [B, T] each. */
mx::array next_token_loss(
    const LanguageModel& model,
    const std::vector<mx::array>& batch);

struct Validation {
  double loss = 0; ///< the lowest one is the best model
  Json more;       ///< further fields for metrics.jsonl, or null
};

struct TrainTask {
  /** The parameters that change. The others get no gradient, have no moments
   * and are in no checkpoint; they may be quantized. */
  nn::PathFilter trainable = nn::everything;
  TrainLoss loss = next_token_loss;
  /** The micro-batches of update `step`: of its arguments alone, so that a
   * resumed run reads what the uninterrupted one would have read. */
  std::function<std::vector<TrainBatch>(int64_t step)> batches;
  /** Empty when nothing is held out. */
  std::function<Validation(const LanguageModel&)> evaluate;

  std::string product = "a model"; ///< what save() leaves, for messages
  std::function<void(
      const std::filesystem::path& out,
      const std::string& readme,
      FileSystem& files)>
      save;
  std::function<bool(const std::filesystem::path& out)> is_saved;
  /** The arrays of what save() wrote, by the model's paths. */
  std::function<nn::Parameters(const std::filesystem::path& out)> load;
};

} // namespace llm
