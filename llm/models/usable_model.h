// SPDX-License-Identifier: MIT
//
// A model that is ready to be talked to: weights, tokenizer, the tokens that
// end an answer, and how a conversation is written for it.

#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "llm/core/json.h"
#include "llm/models/language_model.h"
#include "llm/tokenizers/tokenizer.h"
#include "llm/tokenizers/tokenizer_info.h"

namespace llm {

struct UsableModel {
  std::filesystem::path path;
  std::unique_ptr<LanguageModel> model;
  std::unique_ptr<Tokenizer> tokenizer;
  TokenizerInfo info;
  std::vector<int32_t> eos; ///< each of them ends an answer
  /// Messages [{"role", "content"}, ...] -> the text that an answer follows,
  /// with special tokens; empty for a model that knows no conversations.
  std::function<std::string(const Json& messages)> chat;

  /** The tokens of a conversation that has to be answered; of a model that
   * knows none: of everything that was said, one line each. */
  std::vector<int32_t> encode(const Json& messages) const;
};

/** Loads what a user means by `name`, see resolve_model(): fetches it if it
 * must and may. Errors as there and as load_model(). */
UsableModel load_for_use(const std::string& name, bool offline);

/** Loads a folder or GGUF file. Errors as load_model(). */
UsableModel load_usable(const std::filesystem::path& path);

} // namespace llm
