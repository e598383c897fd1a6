// SPDX-License-Identifier: MIT
//
// What if: the same text read again with something changed in the model or in
// the text, and how the next token's distribution moves.

#pragma once

#include <optional>
#include <vector>

#include "llm/inspect/distribution.h"
#include "llm/inspect/reading.h"

namespace llm::inspect {

struct WhatIf {
  Reading reading; ///< with the interventions
  double kl = 0;   ///< from before to after, at the last position, nats
  std::vector<double> kl_by_position; ///< [T]
  std::vector<TokenProbability> top_before, top_after;
};

/** Reads `before` again with the interventions, and with those that were in
 * force already. Nothing if options.go_on said no. UsageError as read(). */
std::optional<WhatIf> what_if(
    const LanguageModel& model,
    const Reading& before,
    const std::vector<Intervention>& interventions,
    const ReadOptions& options = {},
    int top_k = 20);

} // namespace llm::inspect
