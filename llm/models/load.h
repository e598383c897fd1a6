// SPDX-License-Identifier: MIT
//
// A model folder, as the whole field reads it:
//   config.json  model.safetensors  tokenizer.json  tokenizer_config.json
//   generation_config.json  README.md
// or one GGUF file, which holds the same.

#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "llm/core/files.h"
#include "llm/models/language_model.h"
#include "llm/tokenizers/tokenizer.h"
#include "llm/tokenizers/tokenizer_info.h"

namespace llm {

struct ModelFolder {
  std::unique_ptr<LanguageModel> model;
  std::unique_ptr<Tokenizer> tokenizer;
  TokenizerInfo info; ///< end tokens, chat template
};

/** Loads a folder, or a file whose name ends in .gguf. InputError as below. */
ModelFolder load_model(const std::filesystem::path& path);

/** Loads a folder. InputError names the file that is missing or damaged, or
 * the first ten tensors that are missing, unexpected or of the wrong shape. */
ModelFolder load_model_folder(const std::filesystem::path& folder);

/** Puts a file's arrays into the model: under our names, packed layers as they
 * are packed, and half precision as it is on a GPU, as float32 on a CPU (which
 * computes 20 times slower with halves). InputError as load_model_folder. */
void set_weights(
    LanguageModel& model,
    nn::Parameters arrays,
    const std::string& where);

/** Writes every file of the folder atomically, the weights last, in the type
 * that they have. `info` is kept from a model that was loaded. */
void save_model_folder(
    const std::filesystem::path& folder,
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::string& readme,
    FileSystem& files = real_files(),
    const TokenizerInfo& info = {});

/** InputError when the tokenizer has more tokens than the model has rows. */
void check_vocabularies(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::filesystem::path& where);

/** True when the folder holds a saved model. */
bool holds_model(const std::filesystem::path& folder);

/** Why mlx-lm would not give the logits of this model, or "" if it will. */
std::string mlx_lm_difference(const LanguageModel& model);

} // namespace llm
