// SPDX-License-Identifier: MIT
//
// A model that is ready for fine-tuning: weights, perhaps an adapter on them,
// and how it expects a conversation. The one place of this program that knows
// where models and their chat formats come from.

#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "code/finetune/options.h"
#include "llm/core/sha256.h"
#include "llm/data/encoded.h"
#include "llm/io/model_home.h"
#include "llm/models/load.h"
#include "llm/models/quantize.h"
#include "llm/training/adapter_files.h"

namespace llm {

struct TunedModel {
  std::filesystem::path path;
  std::unique_ptr<LanguageModel> model;
  std::unique_ptr<Tokenizer> tokenizer;
  ChatFormat format;
};

/** "auto": ChatML for a tokenizer that has its tokens, else plain text. A plain
 * conversation ends with the end-of-text token, so that an answer ends too. */
inline ChatFormat chat_format(
    const std::string& name,
    const Tokenizer& tokenizer) {
  if (name != "auto" && name != "chatml" && name != "plain") {
    throw UsageError(
        "options",
        "expected --chat-format auto, chatml or plain but received " + name +
            ".");
  }
  const bool has_chatml = tokenizer.token_id("<|im_start|>").has_value();
  if (name == "chatml" || (name == "auto" && has_chatml)) {
    return chatml;
  }
  const auto eos = tokenizer.eos_id();
  const std::string end = eos ? tokenizer.token(*eos) : "";
  return [end](const Json& messages, bool generation_prompt) {
    return plain_text(messages, generation_prompt) +
        (generation_prompt ? "" : end);
  };
}

/** The tokens after which an answer ends. */
inline std::optional<int32_t> end_of_answer(const Tokenizer& tokenizer) {
  const auto end = tokenizer.token_id("<|im_end|>");
  return end ? end : tokenizer.eos_id();
}

/** Loads --model and puts the adapter in the folder `adapter` on it, if that is
 * not empty. Errors as load_model_folder() and load_adapters(). */
inline TunedModel load_tuned(
    const TuneOptions& o,
    const std::string& model,
    const std::string& adapter) {
  TunedModel out;
  out.path = find_model(model);
  ModelFolder folder = load_model_folder(out.path);
  out.model = std::move(folder.model);
  out.tokenizer = std::move(folder.tokenizer);
  out.format = chat_format(o.chat_format, *out.tokenizer);
  if (!adapter.empty()) {
    load_adapters(*out.model, adapter);
  }
  return out;
}

/** What a resumed run must find again: the weights that it does not train. */
inline std::string weights_sha256(const std::filesystem::path& model) {
  std::set<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(model)) {
    if (entry.path().extension() == ".safetensors") {
      files.insert(entry.path());
    }
  }
  std::string all;
  for (const auto& file : files) {
    all += sha256_file(file);
  }
  return sha256_hex(all);
}

} // namespace llm
