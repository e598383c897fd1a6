// SPDX-License-Identifier: MIT
//
// One entry of the registry: a model folder, a GGUF file or an adapter folder.
// What is wrong with it becomes its state "failed" and a reason without paths.

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

#include "llm/serving/registry.h"

namespace llm::serving {

struct ModelEntry {
  ModelInfo info;
  int64_t time = 0; ///< when its weights were written: Unix, nanoseconds
};

/** Whether a folder is an adapter, to be read by read_adapter_entry(). */
bool holds_adapter(const std::filesystem::path& folder);

/** A folder with a model or a GGUF file; nothing for a folder that is no model,
 * such as a training run that has saved nothing yet. */
std::optional<ModelEntry> read_model_entry(const std::filesystem::path& path);

/** An adapter on one of `models`. */
ModelEntry read_adapter_entry(
    const std::filesystem::path& folder,
    const std::vector<ModelEntry>& models);

/** The bundled model: from its file when that has been fetched. */
ModelInfo read_smollm2_entry(const std::filesystem::path& folder);

} // namespace llm::serving
