// SPDX-License-Identifier: MIT
//
// One round of speculative decoding. Internal to generation.

#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "llm/core/random.h"
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

/** An index drawn from weights that need not sum to 1; `uniform` in [0, 1). */
int32_t draw_index(const std::vector<double>& weights, double uniform);

/** Keeps the guess `id`, which was drawn from q (nullptr: it was certain), or
 * draws another index 0..n-1: the result has distribution p. (index, kept) */
std::pair<int32_t, bool> keep_or_redraw(
    int32_t id,
    const float* q,
    const float* p,
    int n,
    Random& random);

} // namespace llm
