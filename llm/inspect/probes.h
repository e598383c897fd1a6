// SPDX-License-Identifier: MIT
//
// Puts interventions into force. Internal to inspect.

#pragma once

#include <cstdint>
#include <vector>

#include "llm/inspect/reading.h"

namespace llm::inspect {

/** Changes the tokens as the ReplaceTokens say. UsageError for a position that
 * does not exist. */
void replace_tokens(
    std::vector<int32_t>& tokens,
    const std::vector<Intervention>& interventions);

} // namespace llm::inspect
