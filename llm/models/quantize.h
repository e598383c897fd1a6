// SPDX-License-Identifier: MIT
//
// Models whose matrices are kept in a few bits, in the layout of MLX and its
// mlx-lm: "<layer>.weight" packed, "<layer>.scales", "<layer>.biases", and
// "quantization" in config.json.

#pragma once

#include <string>
#include <vector>

#include "llm/core/json.h"
#include "llm/models/language_model.h"
#include "llm/nn/module.h"

namespace llm {

/** Packs the layers (and embeddings) whose path `filter` accepts, also those
 * that are packed in another way. Returns the paths of layers left as they
 * are, because `group_size` does not divide their width. UsageError for bits
 * or groups that do not exist. */
std::vector<std::string> quantize_model(
    LanguageModel& model,
    int group_size,
    int bits,
    const nn::PathFilter& filter = nn::everything);

/** Unpacks every layer: weights of full size again. */
void dequantize_model(LanguageModel& model);

/** Makes room for the packed layers among `arrays` (by our names), so that
 * update() takes them: each layer with scales, with the group and bits that
 * their shapes say. InputError when the shapes fit no group. */
void expect_quantized(
    LanguageModel& model,
    const nn::Parameters& arrays,
    std::string_view where);

/** InputError when config.json says that its weights are packed in a layout
 * other than this one (GPTQ, AWQ, mxfp4, ...), naming it. */
void check_quantization_method(const Json& config);

/** "quantization" for config.json; null when no layer is packed. */
Json quantization_to_json(
    const std::map<std::string, nn::Quantization>& layers);

} // namespace llm
