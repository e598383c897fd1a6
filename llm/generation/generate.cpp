// SPDX-License-Identifier: MIT

#include "llm/generation/generate.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/core/error.h"
#include "llm/generation/choose.h"
#include "llm/generation/generation_row.h"
#include "llm/generation/speculative_step.h"

namespace llm {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/** What to evaluate for a choice: it and the cache together. */
std::vector<mx::array>
outputs_of(const Choice& choice, Reader& reader, const GenerateOptions& o) {
  std::vector<mx::array> outputs = reader.cache().cache.arrays();
  collect(choice, o, outputs);
  return outputs;
}

} // namespace

struct Generator::State {
  State(
      const LanguageModel& model,
      const Tokenizer& tokenizer,
      const std::vector<int32_t>& prompt,
      const GenerateOptions& given)
      : options(given),
        chain(make_chain(options.sampling)),
        row(model, tokenizer, prompt, options, options.sampling.seed),
        own(model, options.cache),
        reader(
            model,
            options.memory ? *options.memory : own,
            options.use_cache,
            options.prefill_chunk) {}

  /** Draws one token or, with a drafter, several; false: it was stopped. */
  bool draw() {
    if (!ahead &&
        !reader.prepare(row.text(), 1, first ? nullptr : options.on_prefill)) {
      row.interrupt();
      return false;
    }
    if (options.drafter != nullptr) {
      drawn = speculative_step(reader, row, chain, options);
    } else {
      drawn.push_back(step());
    }
    std::reverse(drawn.begin(), drawn.end());
    if (!first) {
      row.result().prefill_seconds = seconds_since(begin);
      first = Clock::now();
    }
    return true;
  }

  /** The next token. A GPU has begun with the one after it by then: it goes on
   * while the text of this one is looked at. */
  GeneratedToken step() {
    const Choice choice = ahead
        ? *std::exchange(ahead, std::nullopt)
        : choose(row, mx::flatten(reader.logits(row.text())), chain, options);
    if (!may_go_ahead()) {
      mx::eval(outputs_of(choice, reader, options));
      return token_of(choice, options);
    }
    mx::async_eval(outputs_of(choice, reader, options));
    const mx::array next = mx::flatten(reader.logits_after(choice.id));
    ahead = choose(row, next, chain, options, 1);
    mx::async_eval(outputs_of(*ahead, reader, options));
    mx::eval(choice.id, choice.logprob);
    const GeneratedToken token = token_of(choice, options);
    reader.note(token.id);
    return token;
  }

  bool may_go_ahead() const {
    const bool last =
        static_cast<int>(row.result().ids.size()) + 1 >= options.max_tokens;
    return mx::default_device() == mx::Device::gpu && options.use_cache &&
        !last && needs_no_text(options) && reader.room(row.text()) > 1;
  }

  const GenerateOptions options;
  const std::vector<SamplerStage> chain;
  GenerationRow row;
  TextCache own;
  Reader reader;
  std::optional<Choice> ahead;       // the token after all that are known
  std::vector<GeneratedToken> drawn; // and not told yet, the next one last
  const Clock::time_point begin = Clock::now();
  std::optional<Clock::time_point> first;
};

Generator::Generator(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::vector<int32_t>& prompt,
    const GenerateOptions& options) {
  check(options);
  state_ = std::make_unique<State>(model, tokenizer, prompt, options);
  GenerationRow& row = state_->row;
  if (options.memory) {
    TextCache& memory = *options.memory;
    keep_beginning(memory, model, row.text(), row.text().size() - 1);
    row.result().cached_tokens = static_cast<int>(memory.ids.size());
  }
}

Generator::~Generator() = default;

std::optional<GeneratedToken> Generator::next() {
  State& s = *state_;
  if (s.row.finished() || (s.drawn.empty() && !s.draw())) {
    return std::nullopt;
  }
  GeneratedToken token = std::move(s.drawn.back());
  s.drawn.pop_back();
  s.row.add(token);
  s.row.result().decode_seconds = seconds_since(*s.first);
  return token;
}

void Generator::interrupt() {
  state_->row.interrupt();
}

const Generation& Generator::result() const {
  return state_->row.result();
}

Generation generate(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::vector<int32_t>& prompt,
    const GenerateOptions& options,
    const OnToken& on_token) {
  Generator generator(model, tokenizer, prompt, options);
  while (const std::optional<GeneratedToken> token = generator.next()) {
    if (on_token && !on_token(*token)) {
      generator.interrupt();
    }
  }
  return generator.result();
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
