// SPDX-License-Identifier: MIT
//
// Generates many texts side by side. Prompts are read one by one; then every
// step reads one token of each text that is not finished, [B, 1], each with its
// own cache ("ragged"), and evaluates once.

#include <algorithm>
#include <memory>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/core/error.h"
#include "llm/generation/batch_lane.h"
#include "llm/generation/choose.h"
#include "llm/generation/generate.h"
#include "llm/generation/generate_batch_ahead.h"

namespace llm {

namespace {

/** The next token of each lane. */
std::vector<GeneratedToken> step(
    const LanguageModel& model,
    BatchLanes& lanes,
    const std::vector<SamplerStage>& chain,
    const GenerateOptions& options) {
  std::vector<KVCache*> caches;
  std::vector<int32_t> last;
  for (const auto& lane : lanes) {
    caches.push_back(&lane->cache.cache);
    last.push_back(lane->row.text().back());
    lane->cache.ids.push_back(last.back());
  }
  const int B = static_cast<int>(lanes.size());
  KVCache batch = KVCache::batch(caches);
  const mx::array logits = mx::astype(
      model.logits(mx::array(last.data(), {B, 1}, mx::int32), &batch),
      mx::float32); // [B, 1, V]
  std::vector<Choice> choices;
  std::vector<mx::array> outputs = batch.arrays();
  for (int b = 0; b < B; ++b) {
    const mx::array row = mx::flatten(mx::take(logits, b, 0));
    choices.push_back(choose(lanes[b]->row, row, chain, options));
    collect(choices.back(), options, outputs);
  }
  mx::eval(outputs);
  std::vector<GeneratedToken> out;
  for (const Choice& choice : choices) {
    out.push_back(token_of(choice, options));
  }
  return out;
}

void check_batch(const GenerateOptions& options, int rows) {
  check(options);
  if (rows < 1 || options.memory || options.drafter || !options.use_cache) {
    throw UsageError(
        "generate_batch",
        "expected at least one row, a cache, and neither a memory nor a "
        "drafter; generate one text after the other for those.");
  }
}

} // namespace

std::vector<Generation> generate_batch(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::vector<std::vector<int32_t>>& prompts,
    const GenerateOptions& options,
    const OnBatchToken& on_token,
    int rows) {
  check_batch(options, rows);
  for (const std::vector<int32_t>& prompt : prompts) { // all before any is read
    GenerationRow(model, tokenizer, prompt, options, 0);
  }
  if (mx::default_device() == mx::Device::gpu && needs_no_text(options)) {
    return generate_batch_ahead(
        model, tokenizer, prompts, options, on_token, rows);
  }
  const std::vector<SamplerStage> chain = make_chain(options.sampling);
  std::vector<Generation> out(prompts.size());
  BatchLanes lanes;
  size_t next = 0;
  while (next < prompts.size() || !lanes.empty()) {
    while (next < prompts.size() && lanes.size() < static_cast<size_t>(rows)) {
      lanes.push_back(std::make_unique<BatchLane>(
          next, model, tokenizer, prompts[next], options));
      ++next;
    }
    for (const auto& lane : lanes) { // new ones, and those past the context
      if (!lane->row.finished() &&
          !lane->reader.prepare(lane->row.text(), 1, options.on_prefill)) {
        lane->row.interrupt();
      }
    }
    take_finished(lanes, out);
    if (lanes.empty()) {
      continue;
    }
    std::vector<GeneratedToken> tokens = step(model, lanes, chain, options);
    for (size_t b = 0; b < lanes.size(); ++b) {
      lanes[b]->row.add(tokens[b]);
      if (on_token && !on_token(lanes[b]->index, tokens[b])) {
        lanes[b]->row.interrupt();
      }
    }
  }
  return out;
}

} // namespace llm
