// SPDX-License-Identifier: MIT

#include "llm/generation/generate.h"

#include <chrono>
#include <optional>

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

/** The next token; evaluates it and the cache together. */
GeneratedToken step(
    Reader& reader,
    const GenerationRow& row,
    const std::vector<SamplerStage>& chain,
    const GenerateOptions& options) {
  const mx::array logits = reader.logits(row.text()); // [1, V]
  const Choice choice = choose(row, mx::flatten(logits), chain, options);
  std::vector<mx::array> outputs = reader.cache().cache.arrays();
  collect(choice, options, outputs);
  mx::eval(outputs);
  return token_of(choice, options);
}

/** Everything of one text. */
Generation run(
    Reader& reader,
    GenerationRow& row,
    const GenerateOptions& options,
    const OnToken& on_token) {
  const std::vector<SamplerStage> chain = make_chain(options.sampling);
  Generation& out = row.result();
  const Clock::time_point begin = Clock::now();
  std::optional<Clock::time_point> first;
  while (!row.finished()) {
    if (!reader.prepare(row.text(), 1, first ? nullptr : options.on_prefill)) {
      row.interrupt();
      break;
    }
    std::vector<GeneratedToken> tokens;
    if (options.drafter != nullptr) {
      tokens = speculative_step(reader, row, chain, options);
    } else {
      tokens.push_back(step(reader, row, chain, options));
    }
    if (!first) {
      out.prefill_seconds = seconds_since(begin);
      first = Clock::now();
    }
    for (GeneratedToken& token : tokens) {
      row.add(token);
      if (on_token && !on_token(token)) {
        row.interrupt();
      }
      if (row.finished()) {
        break;
      }
    }
  }
  out.decode_seconds = first ? seconds_since(*first) : 0;
  return std::move(out);
}

} // namespace

Generation generate(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::vector<int32_t>& prompt,
    const GenerateOptions& options,
    const OnToken& on_token) {
  check(options);
  GenerationRow row(model, tokenizer, prompt, options, options.sampling.seed);
  std::optional<TextCache> own;
  TextCache& cache =
      options.memory ? *options.memory : own.emplace(model, options.cache);
  if (options.memory) {
    keep_beginning(cache, model, row.text(), row.text().size() - 1);
    row.result().cached_tokens = static_cast<int>(cache.ids.size());
  }
  Reader reader(model, cache, options.use_cache, options.prefill_chunk);
  return run(reader, row, options, on_token);
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
