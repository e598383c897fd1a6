// SPDX-License-Identifier: MIT
//
// Models whose matrices are kept in a few bits, in the layout of MLX.

#pragma once

#include <string>
#include <vector>

#include "llm/models/language_model.h"
#include "llm/nn/module.h"

namespace llm {

/** Packs the layers (and embeddings) whose path `filter` accepts. Returns the
 * paths of layers left as they are, because `group_size` does not divide their
 * width. UsageError for bits or groups that do not exist. */
std::vector<std::string> quantize_model(
    LanguageModel& model,
    int group_size,
    int bits,
    const nn::PathFilter& filter = nn::everything);

/** Unpacks every layer: weights of full size again. */
void dequantize_model(LanguageModel& model);

} // namespace llm
