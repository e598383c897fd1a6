// SPDX-License-Identifier: MIT

#include "llm/models/gemma3.h"

#include <algorithm>
#include <cmath>

#include "llm/core/error.h"
#include "llm/models/config.h"
#include "llm/models/layer_types.h"
#include "llm/nn/init.h"

namespace llm {

void Gemma3Config::validate() const {
  check_positive("Gemma3", "vocab_size", vocab_size);
  check_positive("Gemma3", "context length", max_position_embeddings);
  check_positive("Gemma3", "width", hidden_size);
  check_positive("Gemma3", "MLP width", intermediate_size);
  check_positive("Gemma3", "layers", num_hidden_layers);
  check_heads("Gemma3", num_attention_heads, num_key_value_heads, head_dim);
  check_positive("Gemma3", "query_pre_attn_scalar", query_pre_attn_scalar);
  if (!(final_logit_softcapping >= 0)) {
    throw UsageError(
        "Gemma3",
        "expected final_logit_softcapping from 0 but received " +
            std::to_string(final_logit_softcapping) + ".");
  }
}

namespace {

void read_sizes(const Json& json, const std::string& where, Gemma3Config& c) {
  const auto read = [&](const char* key, int& value) {
    value = json_get_or<int>(json, key, value, where);
  };
  read("vocab_size", c.vocab_size);
  read("max_position_embeddings", c.max_position_embeddings);
  read("hidden_size", c.hidden_size);
  read("intermediate_size", c.intermediate_size);
  read("num_hidden_layers", c.num_hidden_layers);
  read("num_attention_heads", c.num_attention_heads);
  read("num_key_value_heads", c.num_key_value_heads);
  read("head_dim", c.head_dim);
  read("query_pre_attn_scalar", c.query_pre_attn_scalar);
  check_positive(where, "num_hidden_layers", c.num_hidden_layers);
}

void read_rope(const Json& json, const std::string& where, Gemma3Config& c) {
  const Json all = json.value("rope_parameters", Json());
  if (!all.is_object()) { // an older file
    c.rope = RopeConfig::from_json(json, where, c.rope.theta);
    c.rope_local_base_freq = json_get_or<float>(
        json, "rope_local_base_freq", c.rope_local_base_freq, where);
    return;
  }
  const auto read = [&](const char* key, float theta) {
    const Json own = all.value(key, Json());
    return own.is_null()
        ? RopeConfig{.theta = theta}
        : RopeConfig::from_parameters(own, where + ": " + key, theta);
  };
  c.rope = read("full_attention", c.rope.theta);
  const RopeConfig local = read("sliding_attention", c.rope_local_base_freq);
  if (!local.scaling.is_null()) {
    throw InputError(
        where,
        "rope_parameters: expected rope_type default for sliding_attention.");
  }
  c.rope_local_base_freq = local.theta;
}

// Every sixth layer sees all, unless the file says otherwise.
void read_windows(const Json& json, const std::string& where, Gemma3Config& c) {
  const int pattern =
      json_get_or<int>(json, "sliding_window_pattern", 6, where);
  check_positive(where, "sliding_window_pattern", pattern);
  c.windows = read_layer_types(
      json,
      where,
      c.num_hidden_layers,
      read_window(json, where, 4096),
      [pattern](int layer) { return (layer + 1) % pattern != 0; });
}

void refuse_others(const Json& json, const std::string& where) {
  const char* const usual = "gelu_pytorch_tanh";
  const std::string act = json_get_or(json, "hidden_activation", usual, where);
  if (act != usual) {
    throw InputError(
        where,
        std::string("hidden_activation: expected ") + usual +
            " but received \"" + act + "\".");
  }
  if (json_get_or<bool>(json, "use_bidirectional_attention", false, where)) {
    throw InputError(
        where,
        "use_bidirectional_attention: expected false; this model writes text "
        "from left to right.");
  }
}

} // namespace

Gemma3Config Gemma3Config::from_json(const Json& file) {
  const std::string where = "config.json";
  const Json& json = file.contains("text_config") ? file["text_config"] : file;
  Gemma3Config c;
  read_sizes(json, where, c);
  read_rope(json, where, c);
  read_windows(json, where, c);
  refuse_others(json, where);
  c.rms_norm_eps =
      json_get_or<float>(json, "rms_norm_eps", c.rms_norm_eps, where);
  c.tie_word_embeddings =
      json_get_or<bool>(json, "tie_word_embeddings", true, where);
  c.attention_bias = json_get_or<bool>(json, "attention_bias", false, where);
  c.final_logit_softcapping =
      json_get_or<float>(json, "final_logit_softcapping", 0.0f, where);
  c.validate();
  return c;
}

Json Gemma3Config::to_json() const {
  Json out = {
      {"model_type", "gemma3_text"},
      {"architectures", {"Gemma3ForCausalLM"}},
      {"vocab_size", vocab_size},
      {"max_position_embeddings", max_position_embeddings},
      {"hidden_size", hidden_size},
      {"intermediate_size", intermediate_size},
      {"num_hidden_layers", num_hidden_layers},
      {"num_attention_heads", num_attention_heads},
      {"num_key_value_heads", num_key_value_heads},
      {"head_dim", head_dim},
      {"hidden_activation", "gelu_pytorch_tanh"},
      {"rms_norm_eps", shortest(rms_norm_eps)},
      {"query_pre_attn_scalar", query_pre_attn_scalar},
      {"rope_local_base_freq", shortest(rope_local_base_freq)},
      {"tie_word_embeddings", tie_word_embeddings},
      {"attention_bias", attention_bias},
      {"final_logit_softcapping", nullptr},
      {"bos_token_id", nullptr},
      {"eos_token_id", nullptr},
      {"torch_dtype", "float32"}};
  rope.write(out);
  if (final_logit_softcapping > 0) {
    out["final_logit_softcapping"] = shortest(final_logit_softcapping);
  }
  const int window =
      windows.empty() ? 0 : *std::max_element(windows.begin(), windows.end());
  out["sliding_window"] = window > 0 ? Json(window) : Json();
  out["layer_types"] = layer_types(
      windows.empty() ? std::vector<int>(num_hidden_layers, 0) : windows);
  // mlx-lm knows only a pattern: every n-th layer sees all.
  const auto full = std::find(windows.begin(), windows.end(), 0);
  out["sliding_window_pattern"] = full - windows.begin() + 1;
  return out;
}

Gemma3Attention::Gemma3Attention(const Gemma3Config& c, int layer)
    : q_proj(
          c.hidden_size,
          c.num_attention_heads * c.head_dim,
          c.attention_bias),
      k_proj(
          c.hidden_size,
          c.num_key_value_heads * c.head_dim,
          c.attention_bias),
      v_proj(
          c.hidden_size,
          c.num_key_value_heads * c.head_dim,
          c.attention_bias),
      o_proj(
          c.num_attention_heads * c.head_dim,
          c.hidden_size,
          c.attention_bias),
      q_norm(c.head_dim, c.rms_norm_eps),
      k_norm(c.head_dim, c.rms_norm_eps),
      heads(c.num_attention_heads),
      kv_heads(c.num_key_value_heads) {
  options.scale = 1 / std::sqrt(static_cast<float>(c.query_pre_attn_scalar));
  options.window = c.windows.empty() ? 0 : c.windows.at(layer);
  rope = options.window > 0
      ? nn::Rope{.base = c.rope_local_base_freq}
      : c.rope.make(c.head_dim, c.max_position_embeddings);
}

Gemma3Block::Gemma3Block(const Gemma3Config& c, int layer)
    : input_layernorm(c.hidden_size, c.rms_norm_eps),
      self_attn(c, layer),
      post_attention_layernorm(c.hidden_size, c.rms_norm_eps),
      pre_feedforward_layernorm(c.hidden_size, c.rms_norm_eps),
      mlp(c),
      post_feedforward_layernorm(c.hidden_size, c.rms_norm_eps) {}

Gemma3Body::Gemma3Body(const Gemma3Config& c)
    : embed_tokens(c.vocab_size, c.hidden_size),
      norm(c.hidden_size, c.rms_norm_eps) {
  for (int i = 0; i < c.num_hidden_layers; ++i) {
    layers.emplace_back(c, i); // copies of one block would share weights
  }
}

Gemma3::Gemma3(const Gemma3Config& c) : config(c), model((c.validate(), c)) {
  if (!c.tie_word_embeddings) {
    lm_head.emplace(c.hidden_size, c.vocab_size, false);
  }
}

void Gemma3::initialize(uint64_t seed) {
  nn::for_each<mx::array>(*this, [&](const std::string& path, mx::array& a) {
    if (a.ndim() == 2) {
      a = nn::normal_init(a, 0.02f, seed, path);
    }
  });
}

mx::array Gemma3::scaled(const mx::array& x) const {
  const float scale = std::sqrt(static_cast<float>(config.hidden_size));
  return mx::multiply(x, mx::array(scale, x.dtype()));
}

mx::array Gemma3::capped(const mx::array& logits) const {
  if (config.final_logit_softcapping == 0) {
    return logits;
  }
  const mx::array cap(config.final_logit_softcapping, logits.dtype());
  return mx::multiply(mx::tanh(mx::divide(logits, cap)), cap);
}

std::vector<int> Gemma3::layer_windows() const {
  return config.windows.empty() ? std::vector<int>(model.layers.size(), 0)
                                : config.windows;
}

// Names of a model with a vision part begin "language_model.model." or
// "model.language_model."; the rest of it is left out.
nn::Parameters Gemma3::translate(nn::Parameters arrays, std::string_view)
    const {
  nn::Parameters out;
  for (const auto& [name, array] : arrays) {
    std::string path = name;
    for (const char* prefix : {"language_model.", "model.language_model."}) {
      if (name.starts_with(prefix)) {
        path = name.substr(std::string(prefix).size());
        path = path.starts_with("model.") || path.starts_with("lm_head.")
            ? path
            : "model." + path;
      }
    }
    const bool vision = path.find("vision_tower.") != std::string::npos ||
        path.find("multi_modal_projector.") != std::string::npos;
    if (!vision && (lm_head || !path.starts_with("lm_head."))) {
      out.insert_or_assign(path, array);
    }
  }
  return out;
}

} // namespace llm
