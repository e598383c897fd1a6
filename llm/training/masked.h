// SPDX-License-Identifier: MIT
//
// Judging a model on examples of which not every token counts: the mean loss
// over the counted tokens, in all and for each kind of example, and bits per
// byte of the answers.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "llm/data/encoded.h"
#include "llm/data/instruction_batches.h"
#include "llm/models/language_model.h"
#include "llm/training/evaluate.h"

namespace llm {

/** Sums over examples. */
struct MaskedLoss {
  double nats = 0;    ///< sum of -log p of the counted tokens
  int64_t tokens = 0; ///< that were counted
  int64_t bytes = 0;  ///< of the text of these tokens, special ones left out

  double mean() const {
    return tokens > 0 ? nats / static_cast<double>(tokens) : 0;
  }
  double bits_per_byte() const;
};

struct MaskedEvaluation {
  MaskedLoss all;
  std::map<std::string, MaskedLoss> kinds; ///< of examples that have a kind
  bool complete = true;                    ///< false: `progress` said stop
};

/** Sum of -log p of the counted targets of each row, [B] float32. */
mx::array row_losses(const LanguageModel& model, const MaskedBatch& batch);

/** Every example once, `batch` at a time in the order of their lengths. */
MaskedEvaluation evaluate_examples(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::vector<Encoded>& examples,
    int batch,
    const EvaluationProgress& progress = {});

/** loss, perplexity, bits_per_byte, tokens, and kinds when there are any. */
Json to_json(const MaskedEvaluation& evaluation);

/** The same four of a whole text: windows of `window` tokens that move by half,
 * so that every token but the first is predicted from at least half a window.
 * InputError when the text is shorter than two tokens. */
Json evaluate_sliding(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::string& text,
    int window,
    const EvaluationProgress& progress = {});

} // namespace llm
