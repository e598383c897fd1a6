// SPDX-License-Identifier: MIT

#include "llm/generation/samplers.h"

#include <cstdio>

#include <mlx/ops.h>
#include <mlx/random.h>

#include "llm/core/random.h"
#include "llm/generation/logits.h"
#include "llm/nn/categorical.h"

namespace llm {

namespace {

std::string number(float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", static_cast<double>(value));
  return text;
}

using Seen = std::vector<int32_t>;

/** The stages are added in the order of the calls. */
class ChainBuilder {
 public:
  /** `function` is (logits, seen) -> logits. */
  void add(bool active, std::string name, std::string effect, auto function) {
    if (active) {
      chain_.push_back({std::move(name), std::move(effect), function});
    }
  }

  std::vector<SamplerStage> take() {
    return std::move(chain_);
  }

 private:
  std::vector<SamplerStage> chain_;
};

void add_penalties(ChainBuilder& chain, const SamplingConfig& c) {
  chain.add(
      c.repetition_penalty != 1,
      "repetition-penalty",
      "divides positive logits of seen tokens by " +
          number(c.repetition_penalty) + " and multiplies negative ones",
      [p = c.repetition_penalty](const mx::array& x, const Seen& seen) {
        return penalize_repetition(x, seen, p);
      });
  chain.add(
      c.frequency_penalty != 0,
      "frequency-penalty",
      "subtracts " + number(c.frequency_penalty) +
          " from a token's logit for each time it was seen",
      [p = c.frequency_penalty](const mx::array& x, const Seen& seen) {
        return penalize_frequency(x, seen, p);
      });
  chain.add(
      c.presence_penalty != 0,
      "presence-penalty",
      "subtracts " + number(c.presence_penalty) +
          " once from the logit of each seen token",
      [p = c.presence_penalty](const mx::array& x, const Seen& seen) {
        return penalize_presence(x, seen, p);
      });
}

void add_filters(ChainBuilder& chain, const SamplingConfig& c) {
  chain.add(
      c.top_k > 0,
      "top-k",
      "keeps the " + std::to_string(c.top_k) + " most likely tokens",
      [k = c.top_k](const mx::array& x, const Seen&) {
        return keep_top_k(x, k);
      });
  chain.add(
      c.typical_p < 1,
      "typical-p",
      "keeps the tokens whose surprise is nearest to the entropy, until their "
      "probabilities sum to " +
          number(c.typical_p),
      [p = c.typical_p](const mx::array& x, const Seen&) {
        return keep_typical_p(x, p);
      });
  chain.add(
      c.top_p < 1,
      "top-p",
      "keeps the most likely tokens until their probabilities sum to " +
          number(c.top_p),
      [p = c.top_p](const mx::array& x, const Seen&) {
        return keep_top_p(x, p);
      });
  chain.add(
      c.min_p > 0,
      "min-p",
      "keeps the tokens at least " + number(c.min_p) +
          " times as likely as the most likely one",
      [p = c.min_p](const mx::array& x, const Seen&) {
        return keep_min_p(x, p);
      });
}

} // namespace

std::vector<SamplerStage> make_chain(const SamplingConfig& c) {
  check(c);
  ChainBuilder chain;
  add_penalties(chain, c);
  const bool greedy = c.temperature == 0;
  if (!greedy) {
    add_filters(chain, c);
  }
  chain.add(
      greedy,
      "greedy",
      "keeps only the most likely token (temperature 0)",
      [](const mx::array& x, const Seen&) { return keep_best(x); });
  chain.add(
      !greedy && c.temperature != 1,
      "temperature",
      "divides the logits by " + number(c.temperature) +
          (c.temperature < 1 ? ": likely tokens become more likely"
                             : ": unlikely tokens become more likely"),
      [t = c.temperature](const mx::array& x, const Seen&) {
        return divide_by_temperature(x, t);
      });
  return chain.take();
}

std::string describe(const std::vector<SamplerStage>& chain) {
  std::string out;
  int i = 0;
  for (const SamplerStage& stage : chain) {
    out += std::to_string(++i) + ". " + stage.name + ": " + stage.effect + "\n";
  }
  return out + std::to_string(++i) +
      ". draw: takes one token by the probabilities that are left\n";
}

// [snippet draw]
mx::array apply_chain(
    const std::vector<SamplerStage>& chain,
    const mx::array& logits,
    const std::vector<int32_t>& seen) {
  mx::array out = mx::astype(logits, mx::float32);
  for (const SamplerStage& stage : chain) {
    out = stage.apply(out, seen);
  }
  return out;
}
// [/snippet]

mx::array sample_key(uint64_t seed, uint64_t position) {
  return mx::random::key(random_key(seed, "sample", position));
}

mx::array draw(
    const mx::array& logits,
    const std::vector<SamplerStage>& chain,
    const std::vector<int32_t>& seen,
    const mx::array& key) {
  return nn::categorical(apply_chain(chain, logits, seen), key);
}

int32_t sample(
    const mx::array& logits,
    const std::vector<SamplerStage>& chain,
    const std::vector<int32_t>& seen,
    const mx::array& key) {
  return draw(logits, chain, seen, key).item<int32_t>();
}

} // namespace llm
