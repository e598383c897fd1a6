// SPDX-License-Identifier: MIT
//
// One round of speculative decoding. Internal to generation.

#pragma once

#include <vector>

#include "llm/generation/generation_row.h"
#include "llm/generation/reader.h"

namespace llm {

/** The tokens after row.text(), one or more: accepted guesses and one token of
 * the model. Counts them in row.result(). */
std::vector<GeneratedToken> speculative_step(
    Reader& reader,
    GenerationRow& row,
    const std::vector<SamplerStage>& chain,
    const GenerateOptions& options);

} // namespace llm
