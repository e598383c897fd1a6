// SPDX-License-Identifier: MIT

#include "llm/generation/choose.h"

#include <algorithm>
#include <cmath>

#include <mlx/ops.h>

#include "llm/core/top_k.h"
#include "llm/generation/logits.h"
#include "llm/nn/categorical.h"
#include "llm/nn/loss.h"

namespace llm {

mx::array final_logits(
    const mx::array& logits,
    const std::vector<SamplerStage>& chain,
    const std::vector<int32_t>& seen,
    TokenGrammar* grammar,
    TokenGrammar::State state,
    int vocabulary) {
  return stage_logits(logits, chain, seen, grammar, state, vocabulary).back();
}

std::vector<mx::array> stage_logits(
    const mx::array& logits,
    const std::vector<SamplerStage>& chain,
    const std::vector<int32_t>& seen,
    TokenGrammar* grammar,
    TokenGrammar::State state,
    int vocabulary) {
  std::vector<mx::array> out = {
      mx::astype(mx::slice(logits, {0}, {vocabulary}), mx::float32)};
  if (grammar != nullptr) {
    out[0] = keep_allowed(out[0], grammar->mask(state, vocabulary));
  }
  for (const SamplerStage& stage : chain) {
    out.push_back(stage.apply(out.back(), seen));
  }
  return out;
}

Choice choose(
    const GenerationRow& row,
    const mx::array& logits,
    const std::vector<SamplerStage>& chain,
    const GenerateOptions& options,
    size_t unknown) {
  // Greedy needs no draw over the whole vocabulary: its last stage keeps the
  // best token alone, and is computed only if somebody looks at it.
  const bool greedy = options.sampling.temperature == 0;
  const std::vector<SamplerStage> before(
      chain.begin(), greedy ? chain.end() - 1 : chain.end());
  std::vector<mx::array> stages = stage_logits(
      logits,
      before,
      row.text(),
      options.grammar,
      row.state(),
      row.vocabulary());
  const mx::array last = stages.back();
  const size_t position = row.text().size() + unknown - row.prompt_length();
  const auto forced = options.force.find(static_cast<int>(position));
  std::optional<mx::array> best;
  if (greedy) {
    best = mx::astype(mx::argmax(last), mx::int32);
  }
  const mx::array id = forced != options.force.end() ? mx::array(forced->second)
      : greedy                                       ? *best
               : nn::categorical(last, sample_key(row.seed(), position));
  return {
      id,
      mx::negative(nn::token_losses(logits, id)),
      logits,
      greedy ? keep_best(last) : last,
      std::move(stages),
      best};
}

bool needs_no_text(const GenerateOptions& options) {
  const SamplingConfig& s = options.sampling;
  const bool penalties = s.repetition_penalty != 1 ||
      s.frequency_penalty != 0 || s.presence_penalty != 0;
  return !penalties && options.grammar == nullptr && options.force.empty() &&
      options.top_logprobs == 0 && !options.on_logits;
}

void collect(
    const Choice& choice,
    const GenerateOptions& options,
    std::vector<mx::array>& outputs) {
  outputs.push_back(choice.id);
  outputs.push_back(choice.logprob);
  if (options.top_logprobs > 0 || options.on_logits) {
    outputs.push_back(choice.raw);
    outputs.push_back(choice.final);
  }
}

GeneratedToken token_of(const Choice& choice, const GenerateOptions& options) {
  GeneratedToken out{
      *choice.id.data<int32_t>(), "", *choice.logprob.data<float>()};
  if (options.on_logits) {
    options.on_logits(choice.raw);
  }
  if (options.top_logprobs > 0) {
    out.top = likeliest(choice.raw, options.top_logprobs);
    out.top_final = likeliest(choice.final, options.top_logprobs);
  }
  return out;
}

std::vector<TokenProbability> likeliest(const mx::array& logits, int k) {
  const float* x = logits.data<float>();
  const int n = static_cast<int>(logits.size());
  const std::vector<int32_t> order = top_k(x, n, std::max(1, k));
  const double top = x[order[0]];
  double sum = 0;
  for (int i = 0; i < n; ++i) {
    sum += std::exp(x[i] - top);
  }
  std::vector<TokenProbability> out;
  for (auto it = order.begin();
       it != order.begin() + std::min(k, n) && std::isfinite(x[*it]);
       ++it) {
    out.push_back({*it, static_cast<float>(x[*it] - top - std::log(sum))});
  }
  return out;
}

} // namespace llm
