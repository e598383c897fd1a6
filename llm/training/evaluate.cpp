// SPDX-License-Identifier: MIT

#include "llm/training/evaluate.h"

#include <cmath>

#include <mlx/ops.h>

#include "llm/core/random.h"
#include "llm/core/utf8.h"
#include "llm/data/batches.h"
#include "llm/nn/loss.h"

namespace llm {

double evaluate_sampled(
    const LanguageModel& model,
    const std::vector<int32_t>& ids,
    uint64_t seed,
    int batches,
    int batch,
    int block) {
  const uint64_t key = random_key(seed, "evaluate");
  double sum = 0;
  for (int i = 0; i < batches; ++i) {
    const Batch b = random_batch(ids, key, i, batch, block);
    sum += nn::cross_entropy(model.logits(b.x), b.y).item<float>();
  }
  return sum / batches;
}

Evaluation evaluate_windows(
    const LanguageModel& model,
    const std::vector<int32_t>& ids,
    const std::vector<EvalWindow>& windows,
    int batch,
    const EvaluationProgress& progress) {
  Evaluation result;
  double sum = 0; // in double: a float would lose the last digits of 1e5 terms
  for (const auto& group : group_windows(windows, batch)) {
    const MaskedBatch b = make_eval_batch(ids, group);
    const mx::array losses = nn::token_losses(model.logits(b.x), b.y);
    sum += mx::sum(mx::multiply(losses, b.mask)).item<float>();
    result.tokens += b.scored;
    result.windows += static_cast<int64_t>(group.size());
    if (progress &&
        !progress(result.windows, static_cast<int64_t>(windows.size()))) {
      break;
    }
  }
  result.nats_per_token =
      result.tokens > 0 ? sum / static_cast<double>(result.tokens) : 0;
  return result;
}

namespace {

/** Both exact evaluations of one text. */
struct ExactEvaluations {
  Evaluation fixed, sliding;
  bool complete = true; ///< false: `progress` said stop
};

// `progress` is told the windows of both kinds together.
ExactEvaluations evaluate_exactly(
    const LanguageModel& model,
    const std::vector<int32_t>& ids,
    int block,
    const EvaluationProgress& progress) {
  constexpr int batch = 16; // windows at a time: a matter of memory
  const auto n = static_cast<int64_t>(ids.size());
  const auto fixed = fixed_windows(n, block);
  const auto sliding = sliding_windows(n, block);
  const auto total = static_cast<int64_t>(fixed.size() + sliding.size());
  ExactEvaluations out;
  int64_t before = 0;
  const EvaluationProgress both = [&](int64_t done, int64_t) {
    out.complete = !progress || progress(before + done, total);
    return out.complete;
  };
  out.fixed = evaluate_windows(model, ids, fixed, batch, both);
  before = static_cast<int64_t>(fixed.size());
  if (out.complete) {
    out.sliding = evaluate_windows(model, ids, sliding, batch, both);
  }
  return out;
}

} // namespace

std::optional<FinalLosses> evaluate_final(
    const LanguageModel& model,
    const std::vector<int32_t>& ids,
    uint64_t seed,
    int batches,
    int batch,
    int block,
    const EvaluationProgress& progress) {
  const ExactEvaluations exact = evaluate_exactly(model, ids, block, progress);
  if (!exact.complete) {
    return std::nullopt;
  }
  FinalLosses out;
  out.sampled = evaluate_sampled(model, ids, seed, batches, batch, block);
  out.fixed = exact.fixed.nats_per_token;
  out.sliding = exact.sliding.nats_per_token;
  return out;
}

Json to_json(const TextEvaluation& e) {
  return {
      {"nats_per_char", e.nats_per_char},
      {"nats_per_char_sliding", e.nats_per_char_sliding},
      {"bits_per_char", e.bits_per_char},
      {"bits_per_byte", e.bits_per_byte},
      {"perplexity", e.perplexity},
      {"tokens", e.tokens},
      {"windows", e.windows}};
}

TextEvaluation evaluate_text(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::string& text,
    const EvaluationProgress& progress) {
  const std::vector<int32_t> ids = tokenizer.encode(text);
  check_split({ids, ids}, 1);
  const ExactEvaluations exact =
      evaluate_exactly(model, ids, model.context_length(), progress);
  const Evaluation& fixed = exact.fixed;
  const Evaluation& sliding = exact.sliding;

  // The first token is given, not predicted: its characters do not count.
  const std::string scored =
      text.substr(tokenizer.decode_bytes(ids.front()).size());
  const auto bytes = static_cast<double>(scored.size());
  const auto chars = static_cast<double>(decode_utf8(scored).size());
  const double nats = fixed.nats_per_token * static_cast<double>(fixed.tokens);
  TextEvaluation out;
  out.nats_per_char = nats / chars;
  out.nats_per_char_sliding =
      sliding.nats_per_token * static_cast<double>(sliding.tokens) / chars;
  // [snippet units]
  out.bits_per_char = out.nats_per_char / std::log(2.0);
  out.bits_per_byte = nats / bytes / std::log(2.0);
  out.perplexity = std::exp(fixed.nats_per_token);
  // [/snippet]
  out.tokens = fixed.tokens;
  out.windows = fixed.windows;
  return out;
}

} // namespace llm
