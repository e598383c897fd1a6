// SPDX-License-Identifier: MIT
//
// Which layers look back over all of the text and which over a window, as
// config.json lists it: "layer_types", "full_attention" or "sliding_attention"
// for each layer. Here it is one number for each layer: the positions that a
// query sees, itself included; 0 is all.

#pragma once

#include <functional>
#include <string>
#include <vector>

#include "llm/core/json.h"

namespace llm {

/** The windows of `layers` layers: `window` where "layer_types" says so or, in
 * a file without it, where slides(layer) does. InputError for another list, or
 * a layer that slides where `window` is 0. */
std::vector<int> read_layer_types(
    const Json& config,
    const std::string& where,
    int layers,
    int window,
    const std::function<bool(int)>& slides);

/** The list for config.json. */
Json layer_types(const std::vector<int>& windows);

/** "sliding_window": 0 for null, `fallback` when absent. InputError below 1. */
int read_window(const Json& config, const std::string& where, int fallback);

} // namespace llm
