// SPDX-License-Identifier: MIT
//
// Writes text: the model gives the logits of the next token, the sampler chain
// chooses one, and it is appended, again and again.
// Simplification: when the text is longer than the model's context, the model
// goes on with the last half of its context and forgets what came before. The
// cache is filled again then (one pass for C/2 tokens), because keys and values
// hold positions and cannot be moved. Without a cache the same tokens are read.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "llm/generation/samplers.h"
#include "llm/models/language_model.h"
#include "llm/tokenizers/tokenizer.h"

namespace llm {

struct GenerateOptions {
  SamplingConfig sampling = {};
  int max_tokens = 256;  ///< at most; 0 generates nothing
  bool use_cache = true; ///< false: read the whole text for every token
  std::vector<std::string> stop = {}; ///< texts that end it and are not shown
  std::optional<int32_t> eos = {};    ///< token that ends it, e.g. eos_id()
};

struct GeneratedToken {
  int32_t id;
  std::string text; ///< whole characters to show now, often none or several
  float logprob; ///< log P of the model, before any stage of the chain (nats)
};

struct Generation {
  std::vector<int32_t> ids;    ///< all that were drawn, eos and stop text too
  std::string text;            ///< UTF-8, without eos and stop text
  std::vector<float> logprobs; ///< of each id, in nats
  std::string finish_reason;   ///< "length", "stop", "eos" or "interrupted"
};

/**
 * Generates after `prompt`. `on_token` is called for every token; what it gets
 * as text, joined, is Generation::text. When it returns false, generation ends
 * ("interrupted") and text that was held back is dropped.
 *
 * An empty prompt becomes first_tokens(tokenizer). The penalties see prompt and
 * output, all of it. Rows of the model beyond the tokenizer's vocabulary
 * (padding) are never drawn.
 *
 * Throws UsageError for options out of range or prompt ids outside the
 * vocabulary, NumericError when a logit is not a number.
 */
Generation generate(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::vector<int32_t>& prompt,
    const GenerateOptions& options = {},
    const std::function<bool(const GeneratedToken&)>& on_token = {});

/** What stands before a text that begins: the end-of-text token (it separates
 * texts in training), else an empty line. Throws UsageError when the tokenizer
 * has neither. */
std::vector<int32_t> first_tokens(const Tokenizer& tokenizer);

} // namespace llm
