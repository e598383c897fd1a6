// SPDX-License-Identifier: MIT

#include "llm/training/dpo.h"

#include <algorithm>
#include <cmath>

#include <mlx/ops.h>

#include "llm/training/masked.h"

namespace llm {

MaskedBatch pair_batch(
    const std::vector<const EncodedPair*>& pairs,
    int max_length) {
  std::vector<const Encoded*> rows;
  for (const EncodedPair* pair : pairs) {
    rows.push_back(&pair->chosen);
  }
  for (const EncodedPair* pair : pairs) {
    rows.push_back(&pair->rejected);
  }
  return pad_batch(rows, max_length);
}

PairLogProbs pair_log_probs(
    const LanguageModel& model,
    const std::vector<EncodedPair>& pairs,
    int batch,
    int max_length) {
  PairLogProbs out;
  for (size_t begin = 0; begin < pairs.size(); begin += batch) {
    const size_t n = std::min<size_t>(batch, pairs.size() - begin);
    std::vector<const EncodedPair*> some;
    for (size_t i = 0; i < n; ++i) {
      some.push_back(&pairs[begin + i]);
    }
    mx::array sums = row_losses(model, pair_batch(some, max_length)); // [2 n]
    sums.eval();
    const float* loss = sums.data<float>();
    for (size_t i = 0; i < n; ++i) {
      out.chosen.push_back(-loss[i]);
      out.rejected.push_back(-loss[n + i]);
    }
  }
  return out;
}

mx::array dpo_loss(
    const mx::array& pi_chosen,
    const mx::array& pi_rejected,
    const mx::array& ref_chosen,
    const mx::array& ref_rejected,
    float beta) {
  // [snippet dpo-loss]
  const mx::array margin =
      (pi_chosen - ref_chosen) - (pi_rejected - ref_rejected);
  // -log sigmoid(z) = log(1 + e^-z), without overflow.
  return mx::mean(mx::logaddexp(mx::array(0.0f), mx::array(-beta) * margin));
  // [/snippet]
}

PreferenceReport preference_report(
    const PairLogProbs& now,
    const PairLogProbs& reference,
    float beta) {
  PreferenceReport out;
  const size_t n = now.chosen.size();
  for (size_t i = 0; i < n; ++i) {
    const double z = beta *
        ((double{now.chosen[i]} - reference.chosen[i]) -
         (double{now.rejected[i]} - reference.rejected[i]));
    out.loss += std::max(-z, 0.0) + std::log1p(std::exp(-std::abs(z)));
    out.accuracy += z > 0 ? 1 : 0;
    out.margin += z;
  }
  const auto count = static_cast<double>(n);
  return {out.loss / count, out.accuracy / count, out.margin / count};
}

} // namespace llm
