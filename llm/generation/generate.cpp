// SPDX-License-Identifier: MIT

#include "llm/generation/generate.h"

#include <algorithm>
#include <cmath>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/core/error.h"
#include "llm/generation/stop_filter.h"
#include "llm/tokenizers/stream_decoder.h"

namespace llm {

namespace {

/** Reads a growing text with a model, a window of it at a time. */
class Reader {
 public:
  Reader(const LanguageModel& model, bool use_cache)
      : model_(model), use_cache_(use_cache), cache_(model.make_cache()) {}

  /** Logits [V] of the token after `text`, which continues the last one. */
  mx::array next_logits(const std::vector<int32_t>& text) {
    const int end = static_cast<int>(text.size());
    const int context = model_.context_length();
    if (end - begin_ > context) {
      begin_ = end - std::max(1, context / 2);
      cache_ = model_.make_cache();
    }
    const int from = begin_ + cache_.length();
    const mx::array tokens(
        text.data() + from, mx::Shape{1, end - from}, mx::int32);
    const mx::array logits =
        model_.logits(tokens, use_cache_ ? &cache_ : nullptr); // [1, L, V]
    return mx::astype(
        mx::reshape(
            mx::take(logits, logits.shape(1) - 1, 1), {logits.shape(2)}),
        mx::float32);
  }

  std::vector<mx::array> arrays() const {
    return cache_.arrays();
  }

 private:
  const LanguageModel& model_;
  bool use_cache_;
  KVCache cache_; // stays empty without use_cache
  int begin_ = 0; // where the window begins in the text
};

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

void check(const GenerateOptions& options) {
  if (options.max_tokens < 0) {
    throw UsageError(
        "generate",
        "expected max-tokens of at least 0 but received " +
            std::to_string(options.max_tokens) + ".");
  }
}

void check_finite(const GeneratedToken& token, int i) {
  if (!std::isfinite(token.logprob)) {
    throw NumericError(
        "generate",
        "expected finite logits for token " + std::to_string(i + 1) +
            " but received NaN or infinity; the model's weights are damaged "
            "or its training diverged, use an earlier checkpoint.");
  }
}

/** Chooses the token after `text` and evaluates it, its log probability and
 * the cache together. */
GeneratedToken next_token(
    Reader& reader,
    const std::vector<SamplerStage>& chain,
    const std::vector<int32_t>& text,
    int vocabulary,
    const mx::array& key) {
  const mx::array logits = reader.next_logits(text);
  const mx::array token =
      draw(mx::slice(logits, {0}, {vocabulary}), chain, text, key);
  const mx::array logprob =
      mx::subtract(mx::take(logits, token), mx::logsumexp(logits));
  std::vector<mx::array> outputs = reader.arrays();
  outputs.push_back(token);
  outputs.push_back(logprob);
  mx::eval(outputs);
  return {*token.data<int32_t>(), "", *logprob.data<float>()};
}

/** Turns tokens into the text to show and knows when the text ends. */
class Writer {
 public:
  Writer(const Tokenizer& tokenizer, const GenerateOptions& options)
      : decoder_(tokenizer), filter_(options.stop), options_(options) {}

  /** The text to show for the token `id`, the `count`-th. */
  std::string push(int32_t id, int count) {
    std::string text;
    if (options_.eos == id) {
      finish_reason_ = "eos";
    } else {
      text = filter_.push(decoder_.push(id));
      finish_reason_ = filter_.stopped() ? "stop"
          : count == options_.max_tokens ? "length"
                                         : "";
    }
    if (!finish_reason_.empty()) {
      text += filter_.push(decoder_.finish());
      text += filter_.finish();
    }
    return text;
  }

  /** Empty while the text goes on. */
  const std::string& finish_reason() const {
    return finish_reason_;
  }

 private:
  StreamDecoder decoder_;
  StopFilter filter_;
  const GenerateOptions& options_;
  std::string finish_reason_;
};

} // namespace

Generation generate(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::vector<int32_t>& prompt,
    const GenerateOptions& options,
    const std::function<bool(const GeneratedToken&)>& on_token) {
  check(options);
  const int vocabulary = std::min(model.vocab_size(), tokenizer.vocab_size());
  std::vector<int32_t> text = prompt.empty() ? first_tokens(tokenizer) : prompt;
  check_prompt(text, vocabulary);
  const std::vector<SamplerStage> chain = make_chain(options.sampling);
  Reader reader(model, options.use_cache);
  Writer writer(tokenizer, options);
  Generation out;
  for (int i = 0; i < options.max_tokens && out.finish_reason.empty(); ++i) {
    GeneratedToken token = next_token(
        reader, chain, text, vocabulary, sample_key(options.sampling.seed, i));
    check_finite(token, i);
    text.push_back(token.id);
    token.text = writer.push(token.id, i + 1);
    out.ids.push_back(token.id);
    out.logprobs.push_back(token.logprob);
    out.text += token.text;
    out.finish_reason = writer.finish_reason();
    const bool go_on = !on_token || on_token(token);
    if (!go_on && out.finish_reason.empty()) {
      out.finish_reason = "interrupted";
    }
  }
  if (options.max_tokens == 0) {
    out.finish_reason = "length";
  }
  return out;
}

std::vector<int32_t> first_tokens(const Tokenizer& tokenizer) {
  if (const auto eos = tokenizer.eos_id()) {
    return {*eos};
  }
  try {
    return tokenizer.encode("\n\n"); // an empty line separates texts
  } catch (const InputError&) {
    throw UsageError(
        "generate",
        "expected a prompt but received none, and the tokenizer has neither an "
        "end-of-text token nor a line break; give at least one character.");
  }
}

} // namespace llm
