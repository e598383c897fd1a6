// SPDX-License-Identifier: MIT

#include "llm/models/llama.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "llm/core/error.h"
#include "llm/models/config.h"
#include "llm/models/layer_types.h"
#include "llm/nn/init.h"

namespace llm {

namespace {

const std::map<std::string, const char*> architectures = {
    {"llama", "LlamaForCausalLM"},
    {"mistral", "MistralForCausalLM"},
    {"qwen2", "Qwen2ForCausalLM"},
    {"qwen3", "Qwen3ForCausalLM"}};

bool is_qwen(const LlamaConfig& c) {
  return c.model_type == "qwen2" || c.model_type == "qwen3";
}

} // namespace

void LlamaConfig::validate() const {
  if (!architectures.contains(model_type)) {
    throw UsageError(
        "Llama",
        "expected model_type llama, mistral, qwen2 or qwen3 but received \"" +
            model_type + "\".");
  }
  if (!windows.empty() && int(windows.size()) != num_hidden_layers) {
    throw UsageError(
        "Llama",
        "expected a window for each of " + std::to_string(num_hidden_layers) +
            " layers but received " + std::to_string(windows.size()) + ".");
  }
  check_positive("Llama", "vocab_size", vocab_size);
  check_positive("Llama", "context length", max_position_embeddings);
  check_positive("Llama", "width", hidden_size);
  check_positive("Llama", "MLP width", intermediate_size);
  check_positive("Llama", "layers", num_hidden_layers);
  check_probability("Llama", "dropout", dropout);
  check_heads("Llama", num_attention_heads, num_key_value_heads, head_dim);
}

namespace {

// As transformers reads them: Mistral slides in every layer, a Qwen in those
// from max_window_layers on, if at all.
std::vector<int>
read_windows(const Json& json, const std::string& where, const LlamaConfig& c) {
  const int layers = c.num_hidden_layers;
  if (c.model_type == "mistral") {
    return std::vector<int>(layers, read_window(json, where, 4096));
  }
  if (!is_qwen(c)) {
    return {};
  }
  const bool on = json_get_or<bool>(json, "use_sliding_window", false, where);
  const int window = on ? read_window(json, where, 4096) : 0;
  const int first = json_get_or<int>(json, "max_window_layers", 28, where);
  return read_layer_types(json, where, layers, window, [&](int layer) {
    return window > 0 && layer >= first;
  });
}

void read_heads(const Json& json, const std::string& where, LlamaConfig& c) {
  c.num_attention_heads = json_get<int>(json, "num_attention_heads", where);
  c.num_key_value_heads = json_get_or<int>(
      json, "num_key_value_heads", c.num_attention_heads, where);
  check_positive(where, "num_attention_heads", c.num_attention_heads);
  const int usual =
      c.model_type == "qwen3" ? 128 : c.hidden_size / c.num_attention_heads;
  c.head_dim = json_get_or<int>(json, "head_dim", usual, where);
}

} // namespace

LlamaConfig LlamaConfig::from_json(const Json& json) {
  const std::string where = "config.json";
  LlamaConfig c;
  c.model_type = json_get<std::string>(json, "model_type", where);
  c.vocab_size = json_get<int>(json, "vocab_size", where);
  c.max_position_embeddings =
      json_get<int>(json, "max_position_embeddings", where);
  c.hidden_size = json_get<int>(json, "hidden_size", where);
  c.intermediate_size = json_get<int>(json, "intermediate_size", where);
  c.num_hidden_layers = json_get<int>(json, "num_hidden_layers", where);
  check_positive(where, "num_hidden_layers", c.num_hidden_layers);
  read_heads(json, where, c);
  c.rms_norm_eps = json_get_or<float>(json, "rms_norm_eps", 1e-6f, where);
  c.rope = RopeConfig::from_json(json, where);
  c.tie_word_embeddings =
      json_get_or<bool>(json, "tie_word_embeddings", false, where);
  if (c.model_type == "llama" || c.model_type == "qwen3") {
    c.attention_bias = json_get_or<bool>(json, "attention_bias", false, where);
  }
  if (c.model_type == "llama") {
    c.mlp_bias = json_get_or<bool>(json, "mlp_bias", false, where);
  }
  c.windows = read_windows(json, where, c);
  c.dropout = json_get_or<float>(json, "resid_pdrop", 0.0f, where); // as GPT-2
  const std::string act = json_get_or(json, "hidden_act", "silu", where);
  if (act != "silu") {
    throw InputError(
        where, "hidden_act: expected silu but received \"" + act + "\".");
  }
  c.validate();
  return c;
}

Json LlamaConfig::to_json() const {
  Json out = {
      {"model_type", model_type},
      {"architectures", {architectures.at(model_type)}},
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
      {"tie_word_embeddings", tie_word_embeddings},
      {"attention_bias", attention_bias},
      {"mlp_bias", mlp_bias},
      {"bos_token_id", nullptr},
      {"eos_token_id", nullptr},
      {"torch_dtype", "float32"}};
  if (dropout > 0) {
    out["resid_pdrop"] = shortest(dropout);
  }
  rope.write(out);
  const int window =
      windows.empty() ? 0 : *std::max_element(windows.begin(), windows.end());
  if (model_type == "mistral" || window > 0) {
    out["sliding_window"] = window > 0 ? Json(window) : Json();
  }
  if (is_qwen(*this) && window > 0) {
    out["use_sliding_window"] = true;
    out["layer_types"] = layer_types(windows);
  }
  return out;
}

LlamaAttention::LlamaAttention(const LlamaConfig& c, int layer)
    : q_proj(
          c.hidden_size,
          c.num_attention_heads * c.head_dim,
          c.attention_bias || c.model_type == "qwen2"),
      k_proj(
          c.hidden_size,
          c.num_key_value_heads * c.head_dim,
          q_proj.bias.has_value()),
      v_proj(
          c.hidden_size,
          c.num_key_value_heads * c.head_dim,
          q_proj.bias.has_value()),
      o_proj(
          c.num_attention_heads * c.head_dim,
          c.hidden_size,
          c.attention_bias),
      rope(c.rope.make(c.head_dim, c.max_position_embeddings)),
      resid_dropout(c.dropout),
      heads(c.num_attention_heads),
      kv_heads(c.num_key_value_heads),
      window(c.windows.empty() ? 0 : c.windows.at(layer)) {
  if (c.model_type == "qwen3") {
    q_norm.emplace(c.head_dim, c.rms_norm_eps);
    k_norm.emplace(c.head_dim, c.rms_norm_eps);
  }
}

nn::DecodeBlock LlamaBlock::layers() const {
  const LlamaAttention& a = self_attn;
  return {
      .attention_norm = input_layernorm,
      .q = a.q_proj,
      .k = a.k_proj,
      .v = a.v_proj,
      .o = a.o_proj,
      .heads = a.heads,
      .kv_heads = a.kv_heads,
      .rope = a.rope,
      .q_norm = a.q_norm,
      .k_norm = a.k_norm,
      .window = a.window,
      .mlp_norm = post_attention_layernorm,
      .gate = mlp.gate_proj,
      .up = mlp.up_proj,
      .down = mlp.down_proj};
}

LlamaBody::LlamaBody(const LlamaConfig& c)
    : embed_tokens(c.vocab_size, c.hidden_size),
      drop(c.dropout),
      norm(c.hidden_size, c.rms_norm_eps) {
  for (int i = 0; i < c.num_hidden_layers; ++i) {
    layers.emplace_back(c, i); // copies of one block would share weights
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

std::vector<int> Llama::layer_windows() const {
  return config.windows.empty() ? std::vector<int>(model.layers.size(), 0)
                                : config.windows;
}

nn::Parameters Llama::translate(nn::Parameters arrays, std::string_view) const {
  std::erase_if(arrays, [&](const auto& entry) {
    const std::string& name = entry.first;
    const bool second_head = !lm_head && name.starts_with("lm_head.");
    return second_head || name.ends_with("rotary_emb.inv_freq"); // a constant
  });
  return arrays;
}

} // namespace llm
