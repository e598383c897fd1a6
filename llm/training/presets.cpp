// SPDX-License-Identifier: MIT

#include "llm/training/presets.h"

#include <functional>
#include <map>

#include "llm/core/error.h"
#include "llm/models/config.h"
#include "llm/models/gpt.h"
#include "llm/models/llama.h"
#include "llm/nn/backend.h"
#include "llm/nn/matmul.h"
#include "llm/tokenizers/bpe.h"
#include "llm/tokenizers/char.h"

namespace llm {

namespace {

// A few minutes on two CPU cores: what `./tutorial start` trains. The modern
// decoder with Muon learns from fewer tokens than GPT-2 with AdamW. A name
// comes back after some 70 characters: only a context of several such distances
// has enough of them to learn copying from.
Preset tiny() {
  Preset p;
  p.data = "tiny-tales";
  p.model.architecture = "qwen3";
  p.model.kv_heads = 2;
  TrainConfig& t = p.train;
  t.steps = 2000;
  t.batch = 8;
  t.block = 256;
  t.short_every = 4;
  t.short_block = 32;
  t.optimizer = {
      .name = "muon",
      .beta2 = 0.99f,
      .weight_decay = 0.1f,
      .momentum = 0.9f,
      .adamw_lr_scale = 0.3f};
  t.schedule = {
      .name = "linear",
      .lr = 1.2e-2f,
      .min_lr = 0,
      .warmup = 50,
      .steps = 2000};
  t.bfloat16 = true;
  t.eval_every = 250;
  t.sample_every = 200;
  t.checkpoint_every = 250;
  return p;
}

// nanoGPT's configuration for a CPU (README, "I only have a macbook").
Preset nano() {
  Preset p;
  p.data = "tiny-shakespeare";
  TrainConfig& t = p.train;
  t.steps = 2000;
  t.batch = 12;
  t.block = 64;
  t.optimizer = {.name = "adamw", .beta2 = 0.99f, .weight_decay = 0.1f};
  t.schedule = {.lr = 1e-3f, .min_lr = 1e-4f, .warmup = 100, .steps = 2000};
  t.eval_every = 250;
  t.sample_every = 500;
  t.checkpoint_every = 500;
  return p;
}

// Meant for a quarter of an hour on two CPU cores. Chosen from the runs that
// EXPERIMENTS.md lists. The text is read twenty times: without dropout the
// model learns it by heart.
Preset shakespeare() {
  Preset p;
  p.data = "tiny-shakespeare";
  p.model.architecture = "qwen3";
  p.model.dropout = 0.1f;
  TrainConfig& t = p.train;
  t.steps = 4800;
  t.batch = 32;
  t.block = 128;
  t.optimizer = {
      .name = "muon",
      .beta2 = 0.99f,
      .weight_decay = 0.1f,
      .adamw_lr_scale = 0.3f};
  t.schedule = {
      .name = "linear", .lr = 2e-2f, .min_lr = 0, .warmup = 50, .steps = 4800};
  t.bfloat16 = true;
  t.eval_every = 400;
  t.sample_every = 600;
  t.checkpoint_every = 400;
  return p;
}

const std::map<std::string, Preset (*)()>& all() {
  static const std::map<std::string, Preset (*)()> presets = {
      {"nano", nano}, {"shakespeare", shakespeare}, {"tiny", tiny}};
  return presets;
}

} // namespace

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const auto& [name, make] : all()) {
    names.push_back(name);
  }
  return names;
}

Preset preset(const std::string& name) {
  const auto it = all().find(name);
  if (it == all().end()) {
    throw UsageError(
        "preset",
        "expected nano, shakespeare or tiny but received \"" + name + "\".");
  }
  return it->second();
}

bool computes_in_bfloat16(const TrainConfig& config) {
  return device_name() == "gpu" || (config.bfloat16 && nn::bf16_products_pay());
}

Json model_config(const ModelShape& s, int vocab_size, int context) {
  check_positive("model", "--heads", s.heads);
  check_positive("model", "--width", s.width);
  check_divides("model", "--heads", s.heads, "--width", s.width);
  if (s.architecture == "gpt2") {
    const GPTConfig config = {
        .vocab_size = vocab_size,
        .n_positions = context,
        .n_embd = s.width,
        .n_layer = s.layers,
        .n_head = s.heads,
        .activation = nn::parse_activation(s.activation),
        .bias = s.bias,
        .dropout = s.dropout};
    config.validate();
    return config.to_json();
  }
  if (s.architecture != "llama" && s.architecture != "qwen3") {
    throw UsageError(
        "model",
        "expected --architecture gpt2, llama or qwen3 but received \"" +
            s.architecture + "\".");
  }
  const LlamaConfig config = {
      .model_type = s.architecture,
      .vocab_size = vocab_size,
      .max_position_embeddings = context,
      .hidden_size = s.width,
      .intermediate_size =
          s.mlp_width > 0 ? s.mlp_width : (s.width * 8 / 3 + 31) / 32 * 32,
      .num_hidden_layers = s.layers,
      .num_attention_heads = s.heads,
      .num_key_value_heads = s.kv_heads > 0 ? s.kv_heads : s.heads,
      .head_dim = s.width / s.heads,
      .dropout = s.dropout};
  config.validate();
  return config.to_json();
}

std::unique_ptr<Tokenizer> make_tokenizer(
    const Preset& preset,
    const Corpus& corpus) {
  if (preset.tokenizer == "char") {
    return std::make_unique<CharTokenizer>(CharTokenizer::train(corpus.text));
  }
  if (preset.tokenizer == "bpe") {
    const BpeOptions options = {.vocab_size = preset.bpe_vocab_size};
    return std::make_unique<BpeTokenizer>(
        BpeTokenizer::train(corpus.split.train, options));
  }
  throw UsageError(
      "train",
      "expected --tokenizer char or bpe but received \"" + preset.tokenizer +
          "\".");
}

} // namespace llm
