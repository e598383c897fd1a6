// SPDX-License-Identifier: MIT
//
// Two models side by side on the same prompts: what each answers, how the
// answers measure, and each one's loss, as Markdown and JSON.

#pragma once

#include <string>
#include <vector>

#include "llm/data/instructions.h"

namespace llm {

struct ComparedModel {
  std::string name;
  std::vector<std::string> answers; ///< one for each example
  Json loss;                        ///< to_json(MaskedEvaluation)
};

struct Comparison {
  std::vector<Example> examples;
  ComparedModel a, b;
  int64_t changed = 0; ///< answers that differ
};

/** UsageError unless both have an answer for each example. */
Comparison compare(
    const std::vector<Example>& examples,
    const ComparedModel& a,
    const ComparedModel& b);

/** Names, losses and measures of both, and how many answers differ. */
Json summary_json(const Comparison& comparison);

/** The summary and every prompt with its answers. */
Json to_json(const Comparison& comparison);
std::string to_markdown(const Comparison& comparison);

} // namespace llm
