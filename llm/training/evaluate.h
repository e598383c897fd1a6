// SPDX-License-Identifier: MIT
//
// The loss on text a model has not trained on, in nats per token, three ways:
//   sampled  the mean over a few random windows, as nanoGPT reports it
//   fixed    every token of the split once, windows of the context side by side
//   sliding  the same tokens, each from at least half the context
// The first is quick and noisy, the others are exact and comparable.

#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "llm/core/json.h"
#include "llm/data/split.h"
#include "llm/models/language_model.h"
#include "llm/tokenizers/tokenizer.h"

namespace llm {

struct Evaluation {
  double nats_per_token = 0; ///< mean -log p of the scored tokens
  int64_t tokens = 0;        ///< how many were scored
  int64_t windows = 0;       ///< how many windows were read
};

/** Called with windows done and windows in all; returning false stops (then
 * the result covers what was read so far). */
using EvaluationProgress = std::function<bool(int64_t, int64_t)>;

/** The mean over batches * batch random windows of `block` tokens, always the
 * same ones for one seed, so that two evaluations differ by the model alone. */
double evaluate_sampled(
    const LanguageModel& model,
    const std::vector<int32_t>& ids,
    uint64_t seed,
    int batches,
    int batch,
    int block);

/** The mean over the windows of fixed_windows() or sliding_windows(). */
Evaluation evaluate_windows(
    const LanguageModel& model,
    const std::vector<int32_t>& ids,
    const std::vector<EvalWindow>& windows,
    int batch,
    const EvaluationProgress& progress = {});

/** The three losses of a finished run, on the whole validation split; none of
 * them when `progress` said stop before the end. */
struct FinalLosses {
  double sampled = 0, fixed = 0, sliding = 0;
};
std::optional<FinalLosses> evaluate_final(
    const LanguageModel& model,
    const std::vector<int32_t>& ids,
    uint64_t seed,
    int batches,
    int batch,
    int block,
    const EvaluationProgress& progress);

/** How well a model predicts a text, in the units people compare. */
struct TextEvaluation {
  double nats_per_char = 0; ///< fixed windows of the model's context
  double nats_per_char_sliding = 0;
  double bits_per_char = 0;
  double bits_per_byte = 0; ///< comparable between tokenizers and scripts
  double perplexity = 0;    ///< per token
  int64_t tokens = 0;  ///< scored: all but the first, which nothing predicts
  int64_t windows = 0; ///< fixed windows read
};

/** By the names of the fields. */
Json to_json(const TextEvaluation& evaluation);

/** Evaluates the whole of `text`. `progress` is called with the windows done
 * and the windows in all, of both kinds together. InputError when the text is
 * shorter than two tokens. */
TextEvaluation evaluate_text(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::string& text,
    const EvaluationProgress& progress = {});

} // namespace llm
