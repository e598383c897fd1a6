// SPDX-License-Identifier: MIT

#include "llm/training/pretraining.h"

#include <memory>

#include "llm/data/device_batches.h"
#include "llm/models/load.h"
#include "llm/nn/loss.h"
#include "llm/training/evaluate.h"

namespace llm {

namespace {

// In a long window few predictions are made from a few tokens, so now and then
// a batch is cut into short windows: the same number of tokens.
std::vector<TrainBatch> window_batches(
    const Split& split,
    const TrainConfig& c,
    int64_t step,
    DeviceBatches* on_device) {
  std::vector<TrainBatch> batches;
  for (int i = 0; i < c.accumulate; ++i) {
    const int64_t n = step * c.accumulate + i;
    const int every = c.short_every;
    const bool is_short = every > 0 && n % every == every - 1;
    const int block = is_short ? c.short_block : c.block;
    const int windows = c.batch * (c.block / block);
    batches.emplace_back(
        on_device ? (*on_device)(n, windows, block)
                  : random_batch(split.train, c.seed, n, windows, block));
  }
  return batches;
}

} // namespace

mx::array next_token_loss(
    const LanguageModel& model,
    const std::vector<mx::array>& batch) {
  return nn::cross_entropy(model.logits(batch[0]), batch[1]);
}

TrainTask pretraining_task(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const Split& split,
    const TrainConfig& c) {
  check_split(split, c.block);
  TrainTask task;
  std::shared_ptr<DeviceBatches> on_device;
  if (mx::default_device() == mx::Device::gpu) {
    on_device = std::make_shared<DeviceBatches>(split.train, c.seed);
  }
  task.batches = [&split, &c, on_device](int64_t step) {
    return window_batches(split, c, step, on_device.get());
  };
  task.evaluate = [&split, &c](const LanguageModel& m) {
    return Validation{
        evaluate_sampled(
            m, split.val, c.seed, c.eval_batches, c.batch, c.block),
        nullptr};
  };
  task.save = [&model, &tokenizer](
                  const auto& out, const auto& readme, FileSystem& files) {
    save_model_folder(out, model, tokenizer, readme, files);
  };
  task.is_saved = holds_model;
  task.load = [](const auto& out) {
    return load_model_folder(out).model->parameters();
  };
  return task;
}

} // namespace llm
