// SPDX-License-Identifier: MIT

#include "llm/training/train_config.h"

#include <algorithm>
#include <string>

#include "llm/core/error.h"
#include "llm/models/config.h"

namespace llm {

namespace {

void at_least(const std::string& option, int value, int least) {
  if (value < least) {
    throw UsageError(
        "train",
        "expected " + option + " of at least " + std::to_string(least) +
            " but received " + std::to_string(value) + ".");
  }
}

} // namespace

void TrainConfig::validate() const {
  at_least("--steps", steps, 1);
  at_least("--batch", batch, 1);
  at_least("--block", block, 2);
  at_least("--accumulate", accumulate, 1);
  at_least("--short-every", short_every, 0);
  at_least("--short-block", short_block, 2);
  if (short_every > 0) {
    check_divides("train", "--short-block", short_block, "--block", block);
  }
  at_least("--eval-every", eval_every, 0);
  at_least("--eval-batches", eval_batches, 1);
  at_least("--sample-every", sample_every, 0);
  at_least("--checkpoint-every", checkpoint_every, 0);
  at_least("--patience", patience, 0);
  if (!(clip >= 0)) {
    throw UsageError("train", "expected --clip of at least 0 (0: off).");
  }
  check(schedule);
  Optimizer{optimizer}; // throws what is wrong with it
}

void TrainConfig::set_steps(int n) {
  steps = schedule.steps = n;
  schedule.warmup = std::min(schedule.warmup, n / 10);
}

void TrainConfig::set_block(int n) {
  block = n;
  const bool fits = n >= 16 && n % 8 == 0;
  short_block = fits ? n / 8 : short_block;
  short_every = fits ? short_every : 0;
}

Json TrainConfig::to_json() const {
  Json all = {
      {"steps", steps},
      {"batch", batch},
      {"block", block},
      {"short_every", short_every},
      {"short_block", short_block},
      {"accumulate", accumulate},
      {"optimizer", optimizer.name},
      {"beta1", shortest(optimizer.beta1)},
      {"beta2", shortest(optimizer.beta2)},
      {"eps", shortest(optimizer.eps)},
      {"weight_decay", shortest(optimizer.weight_decay)},
      {"momentum", shortest(optimizer.momentum)},
      {"nesterov", optimizer.nesterov},
      {"newton_schulz_steps", optimizer.newton_schulz_steps},
      {"adamw_lr_scale", shortest(optimizer.adamw_lr_scale)},
      {"schedule", schedule.name},
      {"lr", shortest(schedule.lr)},
      {"min_lr", shortest(schedule.min_lr)},
      {"warmup", schedule.warmup},
      {"decay_steps", schedule.steps},
      {"decay_fraction", shortest(schedule.decay_fraction)},
      {"clip", shortest(clip)},
      {"eval_every", eval_every},
      {"eval_batches", eval_batches},
      {"sample_every", sample_every},
      {"patience", patience},
      {"keep_best", keep_best},
      {"activation_checkpointing", activation_checkpointing},
      {"bfloat16", bfloat16},
      {"seed", seed}};
  if (!optimizer.bias_correction) {
    all["bias_correction"] = false;
  }
  if (optimizer.lora_b_lr_scale != 1.0f) {
    all["lora_b_lr_scale"] = shortest(optimizer.lora_b_lr_scale);
  }
  return all;
}

} // namespace llm
