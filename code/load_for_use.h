// SPDX-License-Identifier: MIT
//
// A model that is ready to be talked to: weights, tokenizer, the tokens that
// end an answer, and how a conversation is written for it.

#pragma once

#include <algorithm>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "llm/core/json.h"
#include "llm/io/model_home.h"
#include "llm/models/load.h"

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

/** ChatML, the format of Qwen and SmolLM2. */
inline std::string chatml(const Json& messages) {
  std::string out;
  for (const Json& message : messages) {
    out += "<|im_start|>" + message["role"].get<std::string>() + "\n" +
        message["content"].get<std::string>() + "<|im_end|>\n";
  }
  return out + "<|im_start|>assistant\n";
}

/** Adds the ids under "eos_token_id" of a JSON file: one, a list or none. */
inline void add_eos(
    const std::filesystem::path& file,
    std::vector<int32_t>& eos) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) {
    return;
  }
  const Json json = read_json_file(file);
  const Json ids =
      json.is_object() ? json.value("eos_token_id", Json()) : Json();
  for (const Json& id : ids.is_array() ? ids : Json::array({ids})) {
    if (id.is_number_integer()) {
      eos.push_back(id.get<int32_t>());
    }
  }
}

/** Loads what a user means by `name`. Errors as load_model_folder(). */
inline UsableModel load_for_use(const std::string& name) {
  UsableModel out;
  out.path = find_model(name);
  ModelFolder folder = load_model_folder(out.path);
  out.model = std::move(folder.model);
  out.tokenizer = std::move(folder.tokenizer);
  if (const auto id = out.tokenizer->eos_id()) {
    out.eos.push_back(*id);
  }
  add_eos(out.path / "generation_config.json", out.eos);
  add_eos(out.path / "config.json", out.eos);
  if (const auto end = out.tokenizer->token_id("<|im_end|>")) {
    out.eos.push_back(*end);
    out.chat = chatml;
  }
  std::erase_if(out.eos, [&](int32_t id) {
    return id < 0 || id >= out.tokenizer->vocab_size();
  });
  std::sort(out.eos.begin(), out.eos.end());
  out.eos.erase(std::unique(out.eos.begin(), out.eos.end()), out.eos.end());
  return out;
}

} // namespace llm
