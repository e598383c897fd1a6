// SPDX-License-Identifier: MIT
//
// Speculative decoding (Leviathan et al., arXiv 2211.17192): something cheap
// guesses the next tokens, the model reads all guesses in one pass, and a guess
// x drawn from q is kept with probability min(1, p(x) / q(x)); at the first
// that is not, one token is drawn from max(0, p - q). What comes out has the
// distribution p of the model, whatever was guessed, and at temperature 0 it is
// the greedy text. A rotating cache that is full could not forget wrong
// guesses, so none are made from there on.

#pragma once

#include <cstdint>
#include <vector>

#include "llm/generation/generate.h"

namespace llm {

struct Draft {
  std::vector<int32_t> ids;
  /// q of each id, [V] float32 evaluated; empty: they were not drawn, q = 1.
  std::vector<mx::array> probabilities = {};
};

/** Guesses how a text goes on. */
class Drafter {
 public:
  virtual ~Drafter() = default;
  /** At most n tokens after `text`, drawn by `chain` where it draws. */
  virtual Draft propose(
      const std::vector<int32_t>& text,
      int n,
      const std::vector<SamplerStage>& chain,
      uint64_t seed) = 0;
};

/** A smaller model with the same tokenizer; it must outlive the drafter. */
class ModelDrafter : public Drafter {
 public:
  /** `vocabulary`: of the tokenizer. UsageError when the model has fewer. */
  ModelDrafter(const LanguageModel& model, int vocabulary);
  Draft propose(
      const std::vector<int32_t>& text,
      int n,
      const std::vector<SamplerStage>& chain,
      uint64_t seed) override;

 private:
  int vocabulary_;
  TextCache cache_;
  Reader reader_;
};

/** Prompt lookup: what followed the last time that the text's last tokens, up
 * to `ngram` of them, stood there. Good where an output repeats its input. */
class PromptLookup : public Drafter {
 public:
  explicit PromptLookup(int ngram = 3) : ngram_(ngram) {}
  Draft propose(
      const std::vector<int32_t>& text,
      int n,
      const std::vector<SamplerStage>& chain,
      uint64_t seed) override;

 private:
  int ngram_;
};

} // namespace llm
