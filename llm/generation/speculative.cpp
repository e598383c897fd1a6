// SPDX-License-Identifier: MIT

#include "llm/generation/speculative.h"

#include <algorithm>

#include <mlx/ops.h>
#include <mlx/random.h>
#include <mlx/transforms.h>

#include "llm/core/error.h"
#include "llm/core/random.h"
#include "llm/nn/categorical.h"

namespace llm {

ModelDrafter::ModelDrafter(const LanguageModel& model, int vocabulary)
    : vocabulary_(vocabulary), cache_(model), reader_(model, cache_) {
  if (model.vocab_size() < vocabulary) {
    throw UsageError(
        "draft model",
        "expected a vocabulary of " + std::to_string(vocabulary) +
            " tokens, as the model has, but received " +
            std::to_string(model.vocab_size()) +
            "; take a smaller model of the same family.");
  }
}

Draft ModelDrafter::propose(
    const std::vector<int32_t>& text,
    int n,
    const std::vector<SamplerStage>& chain,
    uint64_t seed) {
  Draft out;
  std::vector<int32_t> longer = text;
  for (int i = 0; i < n; ++i) {
    reader_.prepare(longer);
    const mx::array logits = mx::flatten(reader_.logits(longer));
    const mx::array final_logits =
        apply_chain(chain, mx::slice(logits, {0}, {vocabulary_}), longer);
    const mx::array q = mx::softmax(final_logits, -1);
    const mx::array id = nn::categorical(
        final_logits,
        mx::random::key(random_key(seed, "draft", longer.size())));
    std::vector<mx::array> outputs = cache_.cache.arrays();
    outputs.push_back(q);
    outputs.push_back(id);
    mx::eval(outputs);
    out.ids.push_back(*id.data<int32_t>());
    out.probabilities.push_back(q);
    longer.push_back(out.ids.back());
  }
  return out;
}

Draft PromptLookup::propose(
    const std::vector<int32_t>& text,
    int n,
    const std::vector<SamplerStage>&,
    uint64_t) {
  for (int length = ngram_; length >= 1; --length) {
    if (static_cast<size_t>(length) >= text.size()) {
      continue;
    }
    const auto tail = text.end() - length;
    // The last place before the end itself.
    const auto found =
        std::find_end(text.begin(), text.end() - 1, tail, text.end());
    if (found != text.end() - 1) {
      const auto begin = found + length;
      const auto end = begin + std::min<ptrdiff_t>(n, text.end() - begin);
      return {{begin, end}};
    }
  }
  return {};
}

} // namespace llm
