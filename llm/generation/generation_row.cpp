// SPDX-License-Identifier: MIT

#include "llm/generation/generation_row.h"

#include <algorithm>
#include <cmath>

#include "llm/core/error.h"

namespace llm {

namespace {

void check_prompt(const std::vector<int32_t>& prompt, int vocabulary) {
  for (int32_t id : prompt) {
    if (id < 0 || id >= vocabulary) {
      throw UsageError(
          "generate",
          "expected prompt ids from 0 to " + std::to_string(vocabulary - 1) +
              " but received " + std::to_string(id) +
              "; encode the prompt with the tokenizer of this model.");
    }
  }
}

void check_length(size_t length, int context) {
  if (length > static_cast<size_t>(context)) {
    throw UsageError(
        "prompt",
        "expected at most " + std::to_string(context) +
            " tokens, the context of this model, but received " +
            std::to_string(length) +
            "; shorten the prompt or take a model with a longer context.");
  }
}

void check_finite(const GeneratedToken& token, size_t i) {
  if (!std::isfinite(token.logprob)) {
    throw NumericError(
        "generate",
        "expected finite logits for token " + std::to_string(i + 1) +
            " but received NaN or infinity; the model's weights are damaged "
            "or its training diverged, use an earlier checkpoint.");
  }
}

void check_at_least(const char* name, int value, int least) {
  if (value < least) {
    throw UsageError(
        "generate",
        std::string("expected ") + name + " of at least " +
            std::to_string(least) + " but received " + std::to_string(value) +
            ".");
  }
}

} // namespace

void check(const GenerateOptions& options) {
  check_at_least("max-tokens", options.max_tokens, 0);
  check_at_least("prefill chunks", options.prefill_chunk, 1);
  check_at_least("top-logprobs", options.top_logprobs, 0);
  check_at_least("draft tokens", options.draft_tokens, 1);
  check_at_least("a cache window", options.cache.window, 0);
}

GenerationRow::GenerationRow(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::vector<int32_t>& prompt,
    const GenerateOptions& options,
    uint64_t seed)
    : options_(options),
      vocabulary_(std::min(model.vocab_size(), tokenizer.vocab_size())),
      context_(model.context_length()),
      seed_(seed),
      decoder_(tokenizer, /* continues = */ !prompt.empty()),
      filter_(options.stop),
      text_(prompt.empty() ? first_tokens(tokenizer) : prompt) {
  check_prompt(text_, vocabulary_);
  for (const auto& [place, id] : options.force) {
    check_prompt({id}, vocabulary_);
  }
  if (!options.slide) {
    check_length(text_.size(), context_);
  }
  if (options.grammar != nullptr) {
    state_ = options.grammar->start();
  }
  out_.prompt_tokens = static_cast<int>(text_.size());
  if (options.max_tokens == 0) {
    out_.finish_reason = "length";
  }
}

std::string GenerationRow::show(int32_t id) {
  std::string text;
  if (std::find(options_.eos.begin(), options_.eos.end(), id) !=
      options_.eos.end()) {
    out_.finish_reason = "eos";
  } else {
    text = filter_.push(decoder_.push(id));
    const bool complete =
        options_.grammar != nullptr && !options_.grammar->may_go_on(state_);
    const bool full =
        !options_.slide && text_.size() > static_cast<size_t>(context_);
    const bool last = static_cast<int>(out_.ids.size()) == options_.max_tokens;
    out_.finish_reason = filter_.stopped() || complete ? "stop"
        : last || full                                 ? "length"
                                                       : "";
  }
  if (finished()) {
    text += filter_.push(decoder_.finish());
    text += filter_.finish();
  }
  return text;
}

void GenerationRow::add(GeneratedToken& token) {
  check_finite(token, out_.ids.size());
  if (options_.grammar != nullptr) {
    state_ = options_.grammar->next(state_, token.id);
  }
  text_.push_back(token.id);
  out_.ids.push_back(token.id);
  out_.logprobs.push_back(token.logprob);
  token.text = show(token.id);
  out_.text += token.text;
}

void GenerationRow::interrupt() {
  if (!finished()) {
    out_.finish_reason = "interrupted";
  }
}

} // namespace llm
