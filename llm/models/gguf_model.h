// SPDX-License-Identifier: MIT
//
// A GGUF file as a model: its metadata as config.json would say it, its
// tensors by the names and in the layout of the checkpoints that the file was
// made from. llama.cpp's converter renames tensors, sorts the rows of Llama's
// q and k for another way to pair rotary values, and adds 1 to Gemma's norms;
// here all of that is undone.

#pragma once

#include <string>

#include "llm/core/gguf_metadata.h"
#include "llm/core/json.h"
#include "llm/io/gguf.h"
#include "llm/models/gguf_config.h"
#include "llm/models/load.h"
#include "llm/nn/module.h"
#include "llm/tokenizers/gguf_vocabulary.h"

namespace llm {

/** Loads a file: model, tokenizer, chat template. InputError when it is damaged
 * or does not fit together. */
ModelFolder load_gguf_model(const std::filesystem::path& path);

/** The tensors as model.safetensors would hold them; packed ones with their
 * scales and biases. Takes them out of `file`, so that none is there twice.
 * InputError for a tensor without a place in the model. */
nn::Parameters gguf_parameters(GgufContent& file, const Json& config);

/** The values of tokenizer.ggml.*, for read_gguf_tokenizer(). */
GgufVocabulary gguf_vocabulary(const GgufMetadata& metadata);

} // namespace llm
