// SPDX-License-Identifier: MIT
//
// What the files of a model tell before it is loaded: config.json, the headers
// of its weights and of its tokenizer, or the header of a GGUF file. Nothing
// here reads a weight.

#pragma once

#include <filesystem>

#include "llm/serving/registry.h"

namespace llm::serving {

/** Fills arch, sizes, dtype, tokenizer and capabilities of a folder with
 * config.json. InputError or IoError when a file is missing or damaged. */
void read_folder_facts(const std::filesystem::path& folder, ModelInfo& info);

/** The same of a GGUF file. */
void read_gguf_facts(const std::filesystem::path& file, ModelInfo& info);

/** The bundled model as it is before it is fetched; `bytes` are those that the
 * download takes. */
ModelInfo smollm2_facts();

} // namespace llm::serving
