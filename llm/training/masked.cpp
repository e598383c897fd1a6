// SPDX-License-Identifier: MIT

#include "llm/training/masked.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include <mlx/ops.h>

#include "llm/nn/loss.h"

namespace llm {

namespace {

/** Bytes of the text that the counted tokens spell. */
int64_t counted_bytes(
    const Tokenizer& tokenizer,
    const std::set<int32_t>& special,
    const Encoded& e) {
  int64_t bytes = 0;
  for (size_t t = 0; t < e.ids.size(); ++t) {
    if (e.counts[t] != 0 && !special.contains(e.ids[t])) {
      bytes += static_cast<int64_t>(tokenizer.decode_bytes(e.ids[t]).size());
    }
  }
  return bytes;
}

void add(MaskedLoss& sum, double nats, int64_t tokens, int64_t bytes) {
  sum.nats += nats;
  sum.tokens += tokens;
  sum.bytes += bytes;
}

Json loss_json(const MaskedLoss& sum) {
  return {
      {"loss", sum.mean()},
      {"perplexity", std::exp(sum.mean())},
      {"bits_per_byte", sum.bits_per_byte()},
      {"tokens", sum.tokens}};
}

} // namespace

double MaskedLoss::bits_per_byte() const {
  return bytes > 0 ? nats / static_cast<double>(bytes) / std::log(2.0) : 0;
}

mx::array row_losses(const LanguageModel& model, const MaskedBatch& batch) {
  const mx::array losses = nn::token_losses(model.logits(batch.x), batch.y);
  return mx::sum(mx::multiply(losses, batch.mask), 1);
}

MaskedEvaluation evaluate_examples(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::vector<Encoded>& examples,
    int batch,
    const EvaluationProgress& progress) {
  std::vector<const Encoded*> sorted;
  for (const Encoded& e : examples) {
    sorted.push_back(&e);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](auto* a, auto* b) {
    return a->ids.size() < b->ids.size();
  });
  const std::vector<int32_t> ids = tokenizer.special_ids();
  const std::set<int32_t> special(ids.begin(), ids.end());
  const auto total = static_cast<int64_t>(sorted.size());
  MaskedEvaluation out;
  for (int64_t begin = 0; begin < total; begin += batch) {
    const int64_t end = std::min<int64_t>(begin + batch, total);
    const std::vector<const Encoded*> rows(
        sorted.begin() + begin, sorted.begin() + end);
    const int width = static_cast<int>(rows.back()->ids.size());
    const mx::array sums = row_losses(model, pad_batch(rows, width));
    for (size_t i = 0; i < rows.size(); ++i) {
      const double nats = mx::take(sums, static_cast<int>(i)).item<float>();
      const int64_t tokens = rows[i]->counted();
      const int64_t bytes = counted_bytes(tokenizer, special, *rows[i]);
      add(out.all, nats, tokens, bytes);
      if (!rows[i]->kind.empty()) {
        add(out.kinds[rows[i]->kind], nats, tokens, bytes);
      }
    }
    if (progress && !progress(end, total)) {
      out.complete = false;
      break;
    }
  }
  return out;
}

Json to_json(const MaskedEvaluation& evaluation) {
  Json out = loss_json(evaluation.all);
  if (!evaluation.kinds.empty()) {
    out["kinds"] = Json::object();
    for (const auto& [kind, sum] : evaluation.kinds) {
      out["kinds"][kind] = loss_json(sum);
    }
  }
  return out;
}

Json evaluate_sliding(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::string& text,
    int window,
    const EvaluationProgress& progress) {
  constexpr int kTokens = 1024; // at a time: logits need much memory
  const std::vector<int32_t> ids =
      tokenizer.encode(text, {.add_special = true});
  check_split({ids, ids}, 1);
  const Evaluation e = evaluate_windows(
      model,
      ids,
      sliding_windows(static_cast<int64_t>(ids.size()), window),
      std::max(1, kTokens / window),
      progress);
  // The first token is given: its bytes do not count.
  const auto bytes = static_cast<int64_t>(
      text.size() - tokenizer.decode_bytes(ids.front()).size());
  return loss_json(
      {e.nats_per_token * static_cast<double>(e.tokens), e.tokens, bytes});
}

} // namespace llm
