// SPDX-License-Identifier: MIT
//
// What a GGUF file's metadata says of the model, as config.json says it.

#pragma once

#include "llm/core/json.h"
#include "llm/io/gguf.h"

namespace llm {

/** The content of config.json. InputError for an architecture that is not
 * known (naming those that are) or a key that is missing or makes no sense. */
Json gguf_config(const GgufContent& file);

} // namespace llm
