// SPDX-License-Identifier: MIT
//
// generate_batch() on a GPU, where tokens are chosen from the logits alone: one
// cache for all texts, one choice for all, and the GPU has begun with the next
// token when this one is looked at. Internal to generation.

#pragma once

#include "llm/generation/generate.h"

namespace llm {

std::vector<Generation> generate_batch_ahead(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::vector<std::vector<int32_t>>& prompts,
    const GenerateOptions& options,
    const OnBatchToken& on_token,
    int rows);

} // namespace llm
