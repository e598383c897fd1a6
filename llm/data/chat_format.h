// SPDX-License-Identifier: MIT
//
// Which words a model expects around a conversation: its own template, OpenAI's
// ChatML, or none; and the tokens after which an answer is complete.

#pragma once

#include <string>
#include <vector>

#include "llm/data/encoded.h"
#include "llm/tokenizers/tokenizer_info.h"

namespace llm {

/** "auto": the model's own template, ChatML for a tokenizer that has its
 * tokens, else plain text. "chatml" and "plain" ask for one of these. A plain
 * conversation ends with the end-of-text token, so that an answer ends too.
 * `tokenizer` need not outlive it. UsageError for another name. */
ChatFormat chat_format(
    const std::string& name,
    const Tokenizer& tokenizer,
    const TokenizerInfo& info);

/** The tokens that end an answer: those of the model and ChatML's. */
std::vector<int32_t> ends_of_answer(
    const Tokenizer& tokenizer,
    TokenizerInfo info);

} // namespace llm
