// SPDX-License-Identifier: MIT
//
// Complete settings by name: a model, a tokenizer and a recipe that go
// together. Every value can be changed by an option of the program.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "llm/core/json.h"
#include "llm/data/corpus.h"
#include "llm/tokenizers/tokenizer.h"
#include "llm/training/trainer.h"

namespace llm {

/** The shape of a new model in words that fit every architecture. */
struct ModelShape {
  std::string architecture = "gpt2"; ///< "gpt2", "llama" or "qwen3"
  int layers = 4;
  int heads = 4;
  int kv_heads = 0; ///< llama, qwen3; 0: as many as heads
  int width = 128;
  int mlp_width = 0; ///< llama, qwen3; 0: 8/3 of the width, rounded up to 32
  std::string activation = "gelu"; ///< gpt2
  bool bias = false;               ///< gpt2
  float dropout = 0.0f;            ///< of each layer
};

struct Preset {
  std::string data;               ///< the corpus it was made for
  std::string tokenizer = "char"; ///< or "bpe"
  int bpe_vocab_size = 1024;
  ModelShape model;
  TrainConfig train;
};

std::vector<std::string> preset_names();

/** Throws UsageError for an unknown name, listing those there are. */
Preset preset(const std::string& name);

/** Whether to compute in bfloat16 where nobody says: on a GPU, and on a CPU if
 * the preset wants it and products in bfloat16 are faster there. */
bool computes_in_bfloat16(const TrainConfig& config);

/** config.json of a model of this shape. Throws UsageError for a shape that
 * cannot be built. */
Json model_config(const ModelShape& shape, int vocab_size, int context);

/** Learns the preset's tokenizer: "char" from all of the corpus, "bpe" from its
 * training part. Throws UsageError for another kind. */
std::unique_ptr<Tokenizer> make_tokenizer(
    const Preset& preset,
    const Corpus& corpus);

} // namespace llm
