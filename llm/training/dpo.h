// SPDX-License-Identifier: MIT
//
// Direct preference optimization (Rafailov et al., arXiv 2305.18290): raise the
// probability of the chosen answer over that of the rejected one, measured from
// where the model stood before,
//   loss = -log sigmoid(beta ((pi_c - ref_c) - (pi_r - ref_r)))
// with pi and ref the log-probabilities of a whole answer, now and at first.
// The reference never changes, so it is computed once, before training.

#pragma once

#include <vector>

#include "llm/data/instruction_batches.h"
#include "llm/training/task.h"

namespace llm {

/** Log-probabilities of the two answers of each pair, in nats. */
struct PairLogProbs {
  std::vector<float> chosen, rejected;
};

/** One micro-batch: 2 B rows, the B chosen answers and then the rejected. */
MaskedBatch pair_batch(
    const std::vector<const EncodedPair*>& pairs,
    int max_length);

/** All pairs in their order, `batch` at a time. */
PairLogProbs pair_log_probs(
    const LanguageModel& model,
    const std::vector<EncodedPair>& pairs,
    int batch,
    int max_length);

/** pi, ref [B] each -> the mean loss, a scalar. */
mx::array dpo_loss(
    const mx::array& pi_chosen,
    const mx::array& pi_rejected,
    const mx::array& ref_chosen,
    const mx::array& ref_rejected,
    float beta);

/** What is learned from preferences, on pairs that were not trained on. */
struct PreferenceReport {
  double loss = 0;
  double accuracy = 0; ///< part of the pairs with a positive margin
  double margin = 0;   ///< mean of beta ((pi_c - ref_c) - (pi_r - ref_r))
};
PreferenceReport preference_report(
    const PairLogProbs& now,
    const PairLogProbs& reference,
    float beta);

} // namespace llm
