// SPDX-License-Identifier: MIT
//
// The learning rate of every step. All schedules share a linear warm-up (steps
// 0 .. warmup-1), then
//   constant  lr
//   linear    a straight line from lr to min_lr, reached at `steps`
//   cosine    half a cosine from lr to min_lr, reached at `steps` (nanoGPT)
//   wsd       warm-up, stable, decay: lr, then the last part of the run falls
//             to min_lr in a line ("wsd") or as 1 - sqrt ("wsd-sqrt";
//             Haegele et al., arXiv 2405.18392)

#pragma once

#include <string>
#include <vector>

namespace llm {

/** When the learning rate is how high. */
struct ScheduleConfig {
  std::string name = "cosine";
  float lr = 1e-3f;     ///< the highest
  float min_lr = 1e-4f; ///< the last
  int warmup = 0;       ///< number of warm-up steps
  int steps = 0; ///< step at which min_lr is reached; it stays from there on
  float decay_fraction = 0.2f; ///< wsd: part of `steps` that falls, in (0, 1]
};

/** The names ScheduleConfig::name may have. */
std::vector<std::string> schedule_names();

/** Throws UsageError for an unknown name or a value out of range. */
void check(const ScheduleConfig& config);

/** Learning rate of step 0, 1, ... Throws UsageError as check() does. */
float learning_rate(const ScheduleConfig& config, int step);

} // namespace llm
