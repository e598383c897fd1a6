// SPDX-License-Identifier: MIT
//
// Small random models and a byte-level tokenizer for the tests of generation.

#pragma once

#include <memory>
#include <vector>

#include <doctest/doctest.h>
#include <mlx/mlx.h>

#include "llm/models/gpt.h"
#include "llm/models/language_model.h"
#include "llm/models/llama.h"
#include "llm/tokenizers/bpe.h"

namespace small {

inline constexpr int vocabulary = 257; // one special token and 256 bytes

// The weights are larger than a fresh model's, so that logits differ clearly.
inline std::unique_ptr<llm::LanguageModel> random_model(
    const llm::Json& config) {
  auto model = llm::make_model(config);
  model->initialize(3);
  llm::nn::Parameters p = model->parameters();
  for (auto& [path, array] : p) {
    if (array.ndim() == 2) {
      array = mx::multiply(array, mx::array(5.0f));
    }
  }
  model->assign(p);
  return model;
}

inline std::unique_ptr<llm::LanguageModel> gpt(int context = 64) {
  llm::GPTConfig c;
  c.vocab_size = vocabulary;
  c.n_positions = context;
  c.n_embd = 32;
  c.n_layer = 2;
  c.n_head = 4;
  return random_model(c.to_json());
}

inline std::unique_ptr<llm::LanguageModel> qwen(int context = 64) {
  llm::LlamaConfig c;
  c.vocab_size = vocabulary;
  c.max_position_embeddings = context;
  c.hidden_size = 32;
  c.intermediate_size = 48;
  c.num_hidden_layers = 2;
  c.num_attention_heads = 4;
  c.num_key_value_heads = 2;
  c.head_dim = 8;
  c.model_type = "qwen3";
  return random_model(c.to_json());
}

// Byte-level, so that a random model writes broken characters.
inline const llm::BpeTokenizer& bytes() {
  static const auto tokenizer =
      llm::BpeTokenizer::train("a", {.vocab_size = vocabulary});
  return tokenizer;
}

inline const std::vector<int32_t> prompt = {40, 71, 12, 200, 9};

inline float distance(const mx::array& a, const mx::array& b) {
  REQUIRE(a.shape() == b.shape());
  return mx::max(mx::abs(mx::subtract(a, b))).item<float>();
}

inline mx::array row(const std::vector<int32_t>& ids) {
  return mx::array(
      ids.data(), mx::Shape{1, static_cast<int>(ids.size())}, mx::int32);
}

} // namespace small
