// SPDX-License-Identifier: MIT
//
// One small model of each kind whose attention differs: absolute positions,
// grouped queries, a window, another scale.

#pragma once

#include <string>
#include <vector>

#include "llm/models/gemma3.h"
#include "tests/cpp/generation/small_models.h"

namespace small {

inline std::unique_ptr<llm::LanguageModel> mistral() {
  llm::LlamaConfig c;
  c.model_type = "mistral";
  c.vocab_size = vocabulary;
  c.max_position_embeddings = 256;
  c.hidden_size = 32;
  c.intermediate_size = 48;
  c.num_hidden_layers = 3;
  c.num_attention_heads = 4;
  c.num_key_value_heads = 2;
  c.head_dim = 8;
  c.windows = {7, 7, 7};
  return random_model(c.to_json());
}

inline std::unique_ptr<llm::LanguageModel> gemma() {
  llm::Gemma3Config c;
  c.vocab_size = vocabulary;
  c.max_position_embeddings = 256;
  c.hidden_size = 32;
  c.intermediate_size = 48;
  c.num_hidden_layers = 3;
  c.num_attention_heads = 4;
  c.num_key_value_heads = 2;
  c.head_dim = 8;
  c.query_pre_attn_scalar = 20;
  c.windows = {5, 5, 0};
  return random_model(c.to_json());
}

struct Named {
  std::string name;
  std::unique_ptr<llm::LanguageModel> model;
};

inline std::vector<Named> every_kind() {
  std::vector<Named> out;
  out.push_back({"gpt", gpt(256)});
  out.push_back({"qwen", qwen(256)});
  out.push_back({"mistral", mistral()});
  out.push_back({"gemma", gemma()});
  return out;
}

/** n tokens in which some come again. */
inline std::vector<int32_t> some_tokens(int n) {
  std::vector<int32_t> out;
  for (int i = 0; i < n; ++i) {
    out.push_back((i * i * 31 + i * 7) % 50);
  }
  return out;
}

} // namespace small
