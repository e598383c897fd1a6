// SPDX-License-Identifier: MIT
//
// Writes text: the model gives the logits of the next token, the sampler chain
// chooses one, and it is appended, again and again. A long prompt is read in
// chunks; nothing is evaluated more than once for a token.
// Simplification: when the text is longer than the model's context, the model
// goes on with the last half of its context and forgets what came before. The
// cache is filled again then (one pass for C/2 tokens), because keys and values
// hold positions and cannot be moved. Without a cache the same tokens are read.

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "llm/generation/reader.h"
#include "llm/generation/samplers.h"
#include "llm/generation/text_cache.h"
#include "llm/generation/token_grammar.h"
#include "llm/models/language_model.h"
#include "llm/tokenizers/tokenizer.h"

namespace llm {

class Drafter;

struct GenerateOptions {
  SamplingConfig sampling = {};
  int max_tokens = 256;  ///< at most; 0 generates nothing
  bool use_cache = true; ///< false: read the whole text for every token
  std::vector<std::string> stop = {}; ///< texts that end it and are not shown
  std::vector<int32_t> eos = {};      ///< tokens that end it, e.g. eos_id()
  /// true: the window rule above; false: a prompt beyond the context is an
  /// error, and a text that fills the context ends ("length").
  bool slide = true;
  int prefill_chunk = 512;    ///< tokens of a prompt that are read at once
  CacheOptions cache = {};    ///< fewer bits, fewer positions
  int top_logprobs = 0;       ///< the likeliest tokens at each place; 0: none
  TokenGrammar* grammar = {}; ///< the output follows it
  std::map<int, int32_t> force = {}; ///< token i of the output is this one
  TextCache* memory = {}; ///< what was read before, and after this call
  Drafter* drafter = {};  ///< guesses tokens ahead (speculative.h)
  int draft_tokens = 4;   ///< that it guesses at a time
  PrefillProgress on_prefill = {}; ///< false ends it ("interrupted")
  /// Sees the model's logits [V] before every token.
  std::function<void(const mx::array&)> on_logits = {};
};

struct TokenProbability {
  int32_t id;
  float logprob; ///< nats
};

struct GeneratedToken {
  int32_t id;
  std::string text; ///< whole characters to show now, often none or several
  float logprob; ///< log P of the model, before any stage of the chain (nats)
  /// The top_logprobs likeliest tokens, best first: of the model, and of what
  /// the token was drawn from (grammar and chain applied).
  std::vector<TokenProbability> top = {}, top_final = {};
};

struct Generation {
  std::vector<int32_t> ids;    ///< all that were drawn, eos and stop text too
  std::string text;            ///< UTF-8, without eos and stop text
  std::vector<float> logprobs; ///< of each id, in nats
  /// "length", "stop" (a stop text, or the grammar is complete), "eos" or
  /// "interrupted"
  std::string finish_reason;
  int prompt_tokens = 0;      ///< of the whole prompt
  int cached_tokens = 0;      ///< of them, known from GenerateOptions::memory
  double prefill_seconds = 0; ///< until the first token
  double decode_seconds = 0;  ///< from the first to the last
  int drafted = 0, accepted = 0; ///< guesses of the drafter
};

/** Takes each token; false ends the text ("interrupted"). */
using OnToken = std::function<bool(const GeneratedToken&)>;

/**
 * One text, token by token, for callers that want to look between two of them;
 * generate() is a loop over it. Errors as there.
 */
class Generator {
 public:
  /** `model` and `tokenizer` must outlive it. */
  Generator(
      const LanguageModel& model,
      const Tokenizer& tokenizer,
      const std::vector<int32_t>& prompt,
      const GenerateOptions& options = {});
  ~Generator();
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  /** The next token; nothing when the text has ended. */
  std::optional<GeneratedToken> next();
  /** Ends the text here; what was held back of it is dropped. */
  void interrupt();
  /** All so far. */
  const Generation& result() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
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
 * Throws UsageError for options out of range, prompt ids outside the vocabulary
 * or (without `slide`) a prompt beyond the context, NumericError when a logit
 * is not a number.
 */
Generation generate(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::vector<int32_t>& prompt,
    const GenerateOptions& options = {},
    const OnToken& on_token = {});

/** (number of the prompt, token) -> false to end this text. */
using OnBatchToken = std::function<bool(size_t, const GeneratedToken&)>;

/**
 * Many texts side by side, at most `rows` at once: a text that ends makes room
 * for the next. Text i is what generate() writes with the seed + i. Not for
 * `memory`, `drafter` or use_cache = false (UsageError).
 */
std::vector<Generation> generate_batch(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::vector<std::vector<int32_t>>& prompts,
    const GenerateOptions& options = {},
    const OnBatchToken& on_token = {},
    int rows = 16);

/** What stands before a text that begins: the end-of-text token (it separates
 * texts in training), else an empty line. Throws UsageError when the tokenizer
 * has neither. */
std::vector<int32_t> first_tokens(const Tokenizer& tokenizer);

} // namespace llm
