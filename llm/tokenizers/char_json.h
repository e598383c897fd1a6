// SPDX-License-Identifier: MIT
//
// Reads the character tokenizer from a tokenizer.json; see char.h for the form.

#pragma once

#include "llm/tokenizers/char.h"
#include "llm/tokenizers/json_node.h"

namespace llm {

/** Throws InputError with the key path of what is wrong or not supported. */
std::unique_ptr<Tokenizer> read_char(const JsonNode& root);

} // namespace llm
