// SPDX-License-Identifier: MIT
//
// A model that is ready for fine-tuning: weights, perhaps an adapter on them,
// and how it expects a conversation. The one place of this program that knows
// where models and their chat formats come from.

#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "code/finetune/options.h"
#include "llm/core/sha256.h"
#include "llm/data/chat_format.h"
#include "llm/io/model_home.h"
#include "llm/io/model_source.h"
#include "llm/models/load.h"
#include "llm/models/quantize.h"
#include "llm/training/adapter_files.h"

namespace llm {

struct TunedModel {
  std::filesystem::path path;
  std::unique_ptr<LanguageModel> model;
  std::unique_ptr<Tokenizer> tokenizer;
  TokenizerInfo info;
  ChatFormat format;
};

/** What people call it: the folder, or the file without .gguf. */
inline std::string name_of(const TunedModel& m) {
  return m.path.extension() == ".gguf" ? m.path.stem().string()
                                       : m.path.filename().string();
}

/** Loads --model and puts the adapter in the folder `adapter` on it, if that is
 * not empty. Errors as resolve_model(), load_model() and load_adapters(). */
inline TunedModel load_tuned(
    const TuneOptions& o,
    const std::string& model,
    const std::string& adapter) {
  TunedModel out;
  out.path = resolve_model(model, o.offline);
  ModelFolder folder = load_model(out.path);
  out.model = std::move(folder.model);
  out.tokenizer = std::move(folder.tokenizer);
  out.info = std::move(folder.info);
  out.format = chat_format(o.chat_format, *out.tokenizer, out.info);
  if (!adapter.empty()) {
    load_adapters(*out.model, adapter);
  }
  return out;
}

/** What a resumed run must find again: the weights that it does not train. */
inline std::string weights_sha256(const std::filesystem::path& model) {
  if (!std::filesystem::is_directory(model)) {
    return sha256_file(model); // a GGUF file
  }
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
