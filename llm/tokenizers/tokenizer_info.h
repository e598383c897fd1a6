// SPDX-License-Identifier: MIT
//
// What a program must know about a model's tokenizer beside the ids: which
// tokens end an answer, and how a chat is written. Hugging Face spreads it over
// tokenizer_config.json, generation_config.json, config.json and, since 2024,
// chat_template.jinja.

#pragma once

#include "llm/tokenizers/tokenizer.h"

namespace llm {

struct TokenizerInfo {
  std::optional<int32_t> bos;
  std::vector<int32_t> eos; ///< each of them ends an answer; may be empty
  std::string bos_token;    ///< for chat templates; "" when there is none
  std::string eos_token;
  std::string chat_template; ///< "" when the model has none

  /** Adds an end token unless it is there. */
  void add_eos(int32_t id);
};

/** Whether models are known to end an answer with this token. */
bool ends_turn(std::string_view token);

/**
 * Reads the files that the folder has; those that are missing are no error.
 * Throws InputError with file and key for values of the wrong kind and for ids
 * and tokens that `tokenizer` does not have.
 */
TokenizerInfo read_tokenizer_info(
    const std::filesystem::path& folder,
    const Tokenizer& tokenizer);

/** tokenizer_config_json, and bos, eos and the chat template of `info`. */
Json tokenizer_config_json(
    const Tokenizer& tokenizer,
    const TokenizerInfo& info,
    std::optional<int> max_length = std::nullopt);

} // namespace llm
