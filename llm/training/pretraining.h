// SPDX-License-Identifier: MIT
//
// Training from nothing: random windows of a text, all parameters, and a model
// folder at the end.

#pragma once

#include "llm/data/split.h"
#include "llm/tokenizers/tokenizer.h"
#include "llm/training/task.h"
#include "llm/training/train_config.h"

namespace llm {

/** The arguments must outlive the task. InputError when the split has fewer
 * tokens than a window. */
TrainTask pretraining_task(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const Split& split,
    const TrainConfig& config);

} // namespace llm
