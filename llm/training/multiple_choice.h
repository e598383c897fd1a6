// SPDX-License-Identifier: MIT
//
// Multiple choice by log-likelihood, as EleutherAI's evaluation harness does
// it: each choice is read after the question, and the likeliest one is the
// answer (acc); acc_norm divides by the characters of the choice first, since
// long texts are less likely. Rows, one JSON object a line:
//   {"ctx": ..., "endings": [...], "label": 2}                  HellaSwag
//   {"question": ..., "choices": {"text": [...], "label": ["A", ...]},
//    "answerKey": "B"}                                          ARC
//   {"question": ..., "choices": [...], "answer": 1}            number or text
// A question is written "Question: ...\nAnswer:", a ctx as it is.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "llm/models/language_model.h"
#include "llm/tokenizers/tokenizer.h"
#include "llm/training/evaluate.h"

namespace llm {

struct ChoiceQuestion {
  std::string context;
  std::vector<std::string> choices;
  size_t answer = 0; ///< index of the right one
};

/** Whether the first row of the file is such a question. */
bool is_choice_file(const std::filesystem::path& path);

/** InputError with file:line:column, field and reason. */
std::vector<ChoiceQuestion> load_questions(
    const std::filesystem::path& path,
    int max_errors = 1);

struct ChoiceResult {
  int64_t questions = 0;
  double acc = 0;      ///< part that is right
  double acc_norm = 0; ///< per character of the choice
  double chance = 0;   ///< what guessing would reach
};

/** log p of each choice after the context, in nats. A context that is too long
 * loses its beginning. */
std::vector<double> choice_log_probs(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const ChoiceQuestion& question,
    int max_length);

ChoiceResult evaluate_choices(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::vector<ChoiceQuestion>& questions,
    int max_length,
    const EvaluationProgress& progress = {});

/** By the names of the fields. */
Json to_json(const ChoiceResult& result);

} // namespace llm
