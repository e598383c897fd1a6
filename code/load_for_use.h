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
#include "llm/io/model_source.h"
#include "llm/models/load.h"
#include "llm/tokenizers/chat_template.h"

namespace llm {

struct UsableModel {
  std::filesystem::path path;
  std::unique_ptr<LanguageModel> model;
  std::unique_ptr<Tokenizer> tokenizer;
  std::vector<int32_t> eos; ///< each of them ends an answer
  /// Messages [{"role", "content"}, ...] -> the text that an answer follows,
  /// with special tokens; empty for a model that knows no conversations.
  std::function<std::string(const Json& messages)> chat;
};

/** Loads what a user means by `name`, see resolve_model(): fetches it if it
 * must and may. Errors as there and as load_model(). */
inline UsableModel load_for_use(const std::string& name, bool offline) {
  UsableModel out;
  out.path = resolve_model(name, offline);
  ModelFolder loaded = load_model(out.path);
  out.model = std::move(loaded.model);
  out.tokenizer = std::move(loaded.tokenizer);
  out.eos = loaded.info.eos;
  if (!loaded.info.chat_template.empty()) {
    out.chat = [info = loaded.info](const Json& messages) {
      return render_chat(
          info.chat_template,
          messages,
          {.bos_token = info.bos_token, .eos_token = info.eos_token});
    };
  }
  return out;
}

} // namespace llm
