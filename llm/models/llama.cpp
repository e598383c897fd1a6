// SPDX-License-Identifier: MIT

#include "llm/models/llama.h"

#include <cmath>

#include "llm/core/error.h"
#include "llm/models/config.h"
#include "llm/nn/init.h"

namespace llm {

void LlamaConfig::validate() const {
  check_positive("Llama", "vocab_size", vocab_size);
  check_positive("Llama", "context length", max_position_embeddings);
  check_positive("Llama", "width", hidden_size);
  check_positive("Llama", "MLP width", intermediate_size);
  check_positive("Llama", "layers", num_hidden_layers);
  check_positive("Llama", "heads", num_attention_heads);
  check_positive("Llama", "key-value heads", num_key_value_heads);
  check_positive("Llama", "head_dim", head_dim);
  check_divides(
      "Llama",
      "key-value heads",
      num_key_value_heads,
      "the number of heads",
      num_attention_heads);
  if (head_dim % 2 != 0) {
    throw UsageError(
        "Llama",
        "expected an even head_dim, since rotary positions turn pairs, but "
        "received " +
            std::to_string(head_dim) + ".");
  }
}

namespace {

// Newer files keep it in rope_parameters, older ones at the top.
float read_rope_theta(const Json& json, const std::string& where) {
  for (const char* key : {"rope_parameters", "rope_scaling"}) {
    if (!json.contains(key) || !json[key].is_object()) {
      continue;
    }
    const Json& rope = json[key];
    const std::string type = json_get_or<std::string>(
        rope, "rope_type", "default", where + ": " + key);
    if (type != "default") {
      throw InputError(
          where,
          std::string(key) +
              ".rope_type: expected \"default\" but received \"" + type +
              "\"; scaled rotary positions are not supported.");
    }
    if (rope.contains("rope_theta")) {
      return json_get<float>(rope, "rope_theta", where + ": " + key);
    }
  }
  return json_get_or<float>(json, "rope_theta", 10000.0f, where);
}

void require_false(
    const Json& json,
    const char* key,
    const std::string& where) {
  if (json_get_or<bool>(json, key, false, where)) {
    throw InputError(
        where,
        std::string(key) + ": expected false; this model has no such bias.");
  }
}

} // namespace

LlamaConfig LlamaConfig::from_json(const Json& json) {
  const std::string where = "config.json";
  LlamaConfig c;
  c.vocab_size = json_get<int>(json, "vocab_size", where);
  c.max_position_embeddings =
      json_get<int>(json, "max_position_embeddings", where);
  c.hidden_size = json_get<int>(json, "hidden_size", where);
  c.intermediate_size = json_get<int>(json, "intermediate_size", where);
  c.num_hidden_layers = json_get<int>(json, "num_hidden_layers", where);
  c.num_attention_heads = json_get<int>(json, "num_attention_heads", where);
  c.num_key_value_heads = json_get_or<int>(
      json, "num_key_value_heads", c.num_attention_heads, where);
  check_positive("config.json", "num_attention_heads", c.num_attention_heads);
  c.head_dim = json_get_or<int>(
      json, "head_dim", c.hidden_size / c.num_attention_heads, where);
  c.rms_norm_eps = json_get_or<float>(json, "rms_norm_eps", 1e-6f, where);
  c.rope_theta = read_rope_theta(json, where);
  c.tie_word_embeddings =
      json_get_or<bool>(json, "tie_word_embeddings", false, where);
  c.qk_norm = json_get<std::string>(json, "model_type", where) == "qwen3";
  require_false(json, "attention_bias", where);
  require_false(json, "mlp_bias", where);
  c.validate();
  return c;
}

Json LlamaConfig::to_json() const {
  return {
      {"model_type", qk_norm ? "qwen3" : "llama"},
      {"architectures", {qk_norm ? "Qwen3ForCausalLM" : "LlamaForCausalLM"}},
      {"vocab_size", vocab_size},
      {"max_position_embeddings", max_position_embeddings},
      {"hidden_size", hidden_size},
      {"intermediate_size", intermediate_size},
      {"num_hidden_layers", num_hidden_layers},
      {"num_attention_heads", num_attention_heads},
      {"num_key_value_heads", num_key_value_heads},
      {"head_dim", head_dim},
      {"hidden_act", "silu"},
      {"rms_norm_eps", shortest(rms_norm_eps)},
      {"rope_theta", shortest(rope_theta)},
      {"tie_word_embeddings", tie_word_embeddings},
      {"attention_bias", false},
      {"mlp_bias", false},
      {"bos_token_id", nullptr},
      {"eos_token_id", nullptr},
      {"torch_dtype", "float32"}};
}

LlamaAttention::LlamaAttention(const LlamaConfig& c)
    : q_proj(c.hidden_size, c.num_attention_heads * c.head_dim, false),
      k_proj(c.hidden_size, c.num_key_value_heads * c.head_dim, false),
      v_proj(c.hidden_size, c.num_key_value_heads * c.head_dim, false),
      o_proj(c.num_attention_heads * c.head_dim, c.hidden_size, false),
      rope{.base = c.rope_theta},
      config(c) {
  if (c.qk_norm) {
    q_norm.emplace(c.head_dim, c.rms_norm_eps);
    k_norm.emplace(c.head_dim, c.rms_norm_eps);
  }
}

LlamaBody::LlamaBody(const LlamaConfig& c)
    : embed_tokens(c.vocab_size, c.hidden_size),
      norm(c.hidden_size, c.rms_norm_eps) {
  for (int i = 0; i < c.num_hidden_layers; ++i) {
    layers.emplace_back(c); // one by one: copies of a block would share weights
  }
}

Llama::Llama(const LlamaConfig& c) : config(c), model((c.validate(), c)) {
  if (!c.tie_word_embeddings) {
    lm_head.emplace(c.hidden_size, c.vocab_size, false);
  }
}

// As GPT-2: N(0, 0.02), smaller where a layer writes into the residual stream.
void Llama::initialize(uint64_t seed) {
  const float residual = 0.02f / std::sqrt(2.0f * config.num_hidden_layers);
  nn::for_each<mx::array>(*this, [&](const std::string& path, mx::array& a) {
    if (a.ndim() == 2) {
      const bool writes =
          path.ends_with("o_proj.weight") || path.ends_with("down_proj.weight");
      a = nn::normal_init(a, writes ? residual : 0.02f, seed, path);
    }
  });
}

} // namespace llm
