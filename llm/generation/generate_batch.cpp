// SPDX-License-Identifier: MIT
//
// Generates many texts side by side: prompts are read one by one; then every
// step reads one token of each text that is not finished, [B, 1], each with its
// own cache ("ragged"), and evaluates once. A GPU does it its own way.

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/core/error.h"
#include "llm/generation/batch_loop.h"
#include "llm/generation/choose.h"
#include "llm/generation/generate_batch_ahead.h"

namespace llm {

namespace {

class Step : public BatchStep {
 public:
  using BatchStep::BatchStep;

  std::vector<GeneratedToken> operator()(
      const std::vector<BatchLane*>& lanes) override {
    std::vector<KVCache*> caches;
    std::vector<int32_t> last;
    for (BatchLane* lane : lanes) {
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
};

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
  Step step(model, options);
  return run_batch(tokenizer, prompts, on_token, rows, step);
}

} // namespace llm
