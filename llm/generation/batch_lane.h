// SPDX-License-Identifier: MIT
//
// A text of a batch and what the model has read of it. Internal to generation.

#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "llm/generation/generation_row.h"
#include "llm/generation/reader.h"

namespace llm {

struct BatchLane {
  size_t index; // of the prompt
  GenerationRow row;
  TextCache cache;
  Reader reader;

  BatchLane(
      size_t index,
      const LanguageModel& model,
      const Tokenizer& tokenizer,
      const std::vector<int32_t>& prompt,
      const GenerateOptions& options)
      : index(index),
        row(model, tokenizer, prompt, options, options.sampling.seed + index),
        cache(model, options.cache),
        reader(model, cache, true, options.prefill_chunk) {}
};

using BatchLanes = std::vector<std::unique_ptr<BatchLane>>;

/** Moves the results of the lanes that are done into `out`. */
inline void take_finished(BatchLanes& lanes, std::vector<Generation>& out) {
  std::erase_if(lanes, [&](const auto& lane) {
    if (lane->row.finished()) {
      out[lane->index] = std::move(lane->row.result());
      return true;
    }
    return false;
  });
}

} // namespace llm
