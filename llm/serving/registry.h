// SPDX-License-Identifier: MIT
//
// The models that clients can name. Ids are names, never paths: folders and
// GGUF files under models/, "smollm2" (fetched when it is first used), and
// "base+adapter" for an adapter folder under models/ whose base is one of them.
// This file looks, and loads nothing; it needs no MLX and no thread of its own.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "llm/core/json.h"

namespace llm::serving {

/** What is known of a model without loading it; the rest is empty. */
struct ModelInfo {
  std::string id, name;                 ///< name: for people
  std::string arch;                     ///< model_type of config.json
  std::optional<int64_t> params, bytes; ///< bytes: of its files
  std::optional<int> n_layers, n_heads, n_kv_heads, n_ctx, vocab;
  std::string dtype;                     ///< "float32", "4 bit", ...
  std::string tokenizer;                 ///< "char" or "bpe"
  std::vector<std::string> capabilities; ///< chat, attention, lens, whatif
  std::string base;                      ///< of an adapter
  bool downloaded = true;
  bool is_default = false;
  std::string state = "unloaded"; ///< loading, loaded, failed
  std::string error;              ///< why it failed

  std::filesystem::path path, adapter; ///< never told to a client
};

Json to_json(const ModelInfo& info);

/** [A-Za-z0-9._-]{1,64}, not beginning with a dot; "base+adapter": each part.
 */
bool is_model_id(const std::string& id);

/** What `models` holds now, newest first, then smollm2. Damaged folders are
 * listed as failed, with the reason. `preferred`: the default model's id, else
 * the target of models/latest, else the newest, else smollm2. */
std::vector<ModelInfo> list_models(
    const std::filesystem::path& models,
    const std::string& preferred = "");

} // namespace llm::serving
