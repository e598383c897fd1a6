// SPDX-License-Identifier: MIT

#include "llm/generation/speculative_step.h"

#include <algorithm>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/core/error.h"
#include "llm/core/random.h"
#include "llm/generation/choose.h"
#include "llm/generation/speculative.h"
#include "llm/nn/loss.h"

namespace llm {

namespace {

/** What the model says at one place: everything evaluated. */
struct Verdict {
  mx::array raw, final, probabilities; // [V]
  mx::array normalizer;                // logsumexp(raw)
};

/** Guesses that there is room for; a guess that leaves the grammar is the
 * last one, since it will be refused. Fills in the state before each. */
Draft guess(
    const Reader& reader,
    const GenerationRow& row,
    const std::vector<SamplerStage>& chain,
    const GenerateOptions& options,
    std::vector<TokenGrammar::State>& states) {
  const int done = static_cast<int>(row.text().size() - row.prompt_length());
  const int n = std::min(
      {options.draft_tokens,
       options.max_tokens - done - 1,
       reader.room(row.text())});
  Draft draft;
  if (n > 0) {
    draft = options.drafter->propose(row.text(), n, chain, row.seed());
  }
  states = {row.state()};
  for (size_t i = 0; options.grammar && i < draft.ids.size(); ++i) {
    states.push_back(options.grammar->next(states[i], draft.ids[i]));
    if (states.back() == GrammarStates::dead) {
      draft.ids.resize(i + 1);
    }
  }
  return draft;
}

/** Reads the text with all guesses in one pass. */
std::vector<Verdict> verify(
    Reader& reader,
    const GenerationRow& row,
    const std::vector<SamplerStage>& chain,
    const GenerateOptions& options,
    const Draft& draft,
    const std::vector<TokenGrammar::State>& states) {
  std::vector<int32_t> text = row.text();
  text.insert(text.end(), draft.ids.begin(), draft.ids.end());
  const int n = static_cast<int>(draft.ids.size()) + 1;
  reader.prepare(text, n);
  const mx::array logits = reader.logits(text, n); // [n, V]
  std::vector<mx::array> outputs = reader.cache().cache.arrays();
  std::vector<Verdict> out;
  std::vector<int32_t> seen = row.text();
  for (int i = 0; i < n; ++i) {
    const auto state = options.grammar ? states[i] : 0;
    if (options.grammar && state == GrammarStates::dead) {
      break; // after a guess that is refused
    }
    const mx::array raw = mx::flatten(mx::take(logits, i, 0));
    const mx::array last = final_logits(
        raw, chain, seen, options.grammar, state, row.vocabulary());
    out.push_back(
        {raw, last, mx::softmax(last, -1), nn::spread(raw).log_sum_exp});
    const Verdict& v = out.back();
    outputs.insert(
        outputs.end(), {v.raw, v.final, v.probabilities, v.normalizer});
    if (i < n - 1) {
      seen.push_back(draft.ids[i]);
    }
  }
  mx::eval(outputs);
  return out;
}

GeneratedToken
token_at(const Verdict& v, int32_t id, const GenerateOptions& options) {
  return token_of(
      {mx::array(id),
       mx::array(v.raw.data<float>()[id] - *v.normalizer.data<float>()),
       v.raw,
       v.final},
      options);
}

} // namespace

int32_t draw_index(const std::vector<double>& weights, double uniform) {
  double sum = 0;
  for (double w : weights) {
    sum += w;
  }
  double left = uniform * sum;
  int32_t last = 0; // the last with weight: rounding may leave a rest
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] > 0) {
      last = static_cast<int32_t>(i);
      left -= weights[i];
      if (left < 0) {
        break;
      }
    }
  }
  return last;
}

std::pair<int32_t, bool> keep_or_redraw(
    int32_t id,
    const float* q,
    const float* p,
    int n,
    Random& random) {
  // [snippet keep]
  if (random.uniform() * (q ? q[id] : 1.0) < p[id]) {
    return {id, true};
  }
  std::vector<double> left(n);
  for (int i = 0; i < n; ++i) {
    const double guessed = q ? q[i] : i == id ? 1.0 : 0.0;
    left[i] = std::max(0.0, p[i] - guessed);
  }
  return {draw_index(left, random.uniform()), false};
  // [/snippet]
}

std::vector<GeneratedToken> speculative_step(
    Reader& reader,
    GenerationRow& row,
    const std::vector<SamplerStage>& chain,
    const GenerateOptions& options) {
  std::vector<TokenGrammar::State> states;
  const Draft draft = guess(reader, row, chain, options, states);
  const std::vector<Verdict> verdicts =
      verify(reader, row, chain, options, draft, states);
  Random random(random_key(row.seed(), "speculate", row.text().size()));
  row.result().drafted += static_cast<int>(draft.ids.size());
  std::vector<GeneratedToken> out;
  for (size_t i = 0; i < draft.ids.size(); ++i) {
    const auto [id, kept] = keep_or_redraw(
        draft.ids[i],
        draft.probabilities.empty() ? nullptr
                                    : draft.probabilities[i].data<float>(),
        verdicts[i].probabilities.data<float>(),
        row.vocabulary(),
        random);
    out.push_back(token_at(verdicts[i], id, options));
    if (!kept) {
      return out;
    }
    row.result().accepted += 1;
  }
  const float* p = verdicts.back().probabilities.data<float>();
  const int32_t id = draw_index({p, p + row.vocabulary()}, random.uniform());
  out.push_back(token_at(verdicts.back(), id, options));
  return out;
}

} // namespace llm
