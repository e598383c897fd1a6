// SPDX-License-Identifier: MIT
//
// Reads byte-level BPE from a tokenizer.json.

#pragma once

#include "llm/tokenizers/bpe.h"
#include "llm/tokenizers/json_node.h"

namespace llm {

/**
 * Throws InputError with the key path of what is wrong or not supported;
 * `where` names the file.
 */
std::unique_ptr<Tokenizer> read_bpe(
    const JsonNode& root,
    const std::string& where);

} // namespace llm
