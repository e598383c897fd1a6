// SPDX-License-Identifier: MIT
//
// Many texts side by side: what is known of each, and the loop that lets new
// ones in, reads them and lets finished ones go. How a token of each is chosen
// is a step of its own. Internal to generation.

#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "llm/generation/choose.h"
#include "llm/generation/generate.h"
#include "llm/generation/generation_row.h"
#include "llm/generation/reader.h"

namespace llm {

/** A text of a batch and what the model has read of it. */
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

/** Chooses the next token of each text. The references must outlive it. */
class BatchStep {
 public:
  BatchStep(const LanguageModel& model, const GenerateOptions& options)
      : model(model), options(options), chain(make_chain(options.sampling)) {}
  virtual ~BatchStep() = default;

  virtual std::vector<GeneratedToken> operator()(
      const std::vector<BatchLane*>& lanes) = 0;

  /** True if nothing is to be read of `lane`: its next token is on its way. */
  virtual bool has_begun(const BatchLane&) const {
    return false;
  }
  /** Reads of new texts what it can read together; the loop reads the rest. */
  virtual void read(const std::vector<BatchLane*>&) {}
  /** Gives the lanes their caches back, if it holds them. */
  virtual void release() {}

  const LanguageModel& model;
  const GenerateOptions& options;
  const std::vector<SamplerStage> chain;
};

/** generate_batch() with `step`; what it was given is checked already. */
std::vector<Generation> run_batch(
    const Tokenizer& tokenizer,
    const std::vector<std::vector<int32_t>>& prompts,
    const OnBatchToken& on_token,
    int rows,
    BatchStep& step);

} // namespace llm
