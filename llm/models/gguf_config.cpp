// SPDX-License-Identifier: MIT

#include "llm/models/gguf_config.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <mlx/ops.h>

#include "llm/core/error.h"
#include "llm/nn/rope.h"

namespace llm {

namespace mx = mlx::core;

namespace {

/** The keys of one architecture: "llama.block_count" is get("block_count"). */
class Keys {
 public:
  Keys(const GgufContent& file, std::string architecture)
      : file(file), architecture(std::move(architecture)) {}

  std::string name(const std::string& key) const {
    return architecture + "." + key;
  }
  bool has(const std::string& key) const {
    return file.metadata.contains(name(key));
  }
  int64_t integer(const std::string& key) const {
    return gguf_int(file.metadata, name(key));
  }
  double number(const std::string& key) const {
    return gguf_float(file.metadata, name(key));
  }
  double number_or(const std::string& key, double fallback) const {
    return gguf_float_or(file.metadata, name(key), fallback);
  }
  bool has_tensor(const std::string& tensor) const {
    return file.tensors.contains(tensor);
  }
  /** Rows of a tensor; InputError when it is missing. */
  int64_t rows(const std::string& tensor) const {
    const auto it = file.tensors.find(tensor);
    if (it == file.tensors.end()) {
      fail("expected the tensor " + tensor + " but found none");
    }
    return it->second.weight.ndim() == 0 ? 1 : it->second.weight.shape(0);
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw InputError(
        file.metadata.where, what + "; choose another file or a model folder.");
  }

  const GgufContent& file;
  const std::string architecture;
};

// Files made from Llama 3.1 and later hold what its scaling does to each
// period, not its numbers; all of these models use the same but `factor`.
Json llama3_scaling(const Keys& keys) {
  const auto it = keys.file.tensors.find("rope_freqs.weight");
  mx::array given = mx::contiguous(mx::astype(it->second.weight, mx::float32));
  given.eval();
  const std::vector<float> factors(
      given.data<float>(), given.data<float>() + given.size());
  const int dims = 2 * static_cast<int>(factors.size());
  const float base = static_cast<float>(keys.number("rope.freq_base"));
  for (const float factor : {8.0f, 32.0f, 4.0f, 16.0f}) {
    const nn::Rope rope = nn::llama3_rope(dims, base, factor, 1, 4, 8192);
    const float* periods = rope.periods->data<float>();
    bool same = true;
    for (int i = 0; i < dims / 2; ++i) {
      const double plain = std::pow(double(base), 2.0 * i / dims);
      same = same && std::abs(periods[i] / plain / factors[i] - 1) < 1e-3;
    }
    if (same) {
      return {
          {"rope_type", "llama3"},
          {"factor", factor},
          {"low_freq_factor", 1.0},
          {"high_freq_factor", 4.0},
          {"original_max_position_embeddings", 8192}};
    }
  }
  keys.fail(
      "expected rope_freqs.weight as Llama 3.1 and later scale their positions "
      "but found other factors");
}

Json rope_scaling(const Keys& keys) {
  if (keys.has_tensor("rope_freqs.weight")) {
    return llama3_scaling(keys);
  }
  const std::string type = gguf_string_or(
      keys.file.metadata, keys.name("rope.scaling.type"), "none");
  if (type == "none") {
    return nullptr;
  }
  if (type != "linear" && type != "yarn") {
    keys.fail(
        "expected " + keys.name("rope.scaling.type") +
        " none, linear or yarn but received " + type);
  }
  Json out = {
      {"rope_type", type}, {"factor", keys.number("rope.scaling.factor")}};
  if (type == "yarn") {
    out["original_max_position_embeddings"] =
        keys.integer("rope.scaling.original_context_length");
    // llama.cpp multiplies YaRN's own factor by it; transformers replaces it.
    if (keys.has("rope.scaling.attn_factor")) {
      const double factor = std::max(1.0, keys.number("rope.scaling.factor"));
      out["attention_factor"] = keys.number("rope.scaling.attn_factor") *
          (0.1 * std::log(factor) + 1.0);
    }
    for (const char* key : {"beta_fast", "beta_slow"}) {
      const std::string theirs = std::string("rope.scaling.yarn_") + key;
      if (keys.has(theirs)) {
        out[key] = keys.number(theirs);
      }
    }
  }
  return out;
}

int64_t head_dim(const Keys& keys, int64_t width, int64_t heads) {
  for (const char* key : {"attention.key_length", "rope.dimension_count"}) {
    if (keys.has(key)) {
      return keys.integer(key);
    }
  }
  return heads < 1 ? 0 : width / heads; // the model names a wrong number
}

/** What Llama and its relatives, and Gemma, have in common. */
Json decoder_config(const Keys& keys, const std::string& model_type) {
  const int64_t width = keys.integer("embedding_length");
  const int64_t heads = keys.integer("attention.head_count");
  Json config = {
      {"model_type", model_type},
      {"vocab_size", keys.rows("token_embd.weight")},
      {"max_position_embeddings", keys.integer("context_length")},
      {"hidden_size", width},
      {"intermediate_size", keys.integer("feed_forward_length")},
      {"num_hidden_layers", keys.integer("block_count")},
      {"num_attention_heads", heads},
      {"num_key_value_heads",
       keys.has("attention.head_count_kv")
           ? keys.integer("attention.head_count_kv")
           : heads},
      {"head_dim", head_dim(keys, width, heads)},
      {"rms_norm_eps", keys.number("attention.layer_norm_rms_epsilon")},
      {"rope_theta", keys.number_or("rope.freq_base", 10000.0)},
      {"tie_word_embeddings", !keys.has_tensor("output.weight")}};
  if (const Json scaling = rope_scaling(keys); !scaling.is_null()) {
    config["rope_scaling"] = scaling;
  }
  return config;
}

Json llama_config(const Keys& keys) {
  const bool window = keys.has("attention.sliding_window") &&
      keys.integer("attention.sliding_window") > 0;
  Json config = decoder_config(keys, window ? "mistral" : "llama");
  if (window) {
    config["sliding_window"] = keys.integer("attention.sliding_window");
  }
  config["attention_bias"] = keys.has_tensor("blk.0.attn_q.bias");
  config["mlp_bias"] = keys.has_tensor("blk.0.ffn_up.bias");
  return config;
}

Json qwen_config(const Keys& keys) {
  return decoder_config(keys, keys.architecture);
}

// Every n-th layer sees all, or a list says which have a window.
void add_window_pattern(const Keys& keys, Json& config) {
  const char* const key = "attention.sliding_window_pattern";
  if (!keys.has(key)) {
    return;
  }
  if (!keys.file.metadata.values.at(keys.name(key)).is_array) {
    config["sliding_window_pattern"] = keys.integer(key);
    return;
  }
  config["layer_types"] = Json::array();
  for (const bool window : gguf_bools(keys.file.metadata, keys.name(key))) {
    config["layer_types"].push_back(
        window ? "sliding_attention" : "full_attention");
  }
}

Json gemma3_config(const Keys& keys) {
  Json config = decoder_config(keys, "gemma3_text");
  add_window_pattern(keys, config);
  config["sliding_window"] = keys.integer("attention.sliding_window");
  config["rope_local_base_freq"] = keys.number_or("rope.freq_base_swa", 1e4);
  config["query_pre_attn_scalar"] = config["head_dim"];
  config["final_logit_softcapping"] =
      keys.number_or("final_logit_softcapping", 0);
  if (config["num_hidden_layers"] == 62) { // the 27 B model, as llama.cpp
    config["query_pre_attn_scalar"] = config["hidden_size"].get<int64_t>() /
        std::max<int64_t>(1, config["num_attention_heads"].get<int64_t>());
  }
  return config;
}

Json gpt2_config(const Keys& keys) {
  return {
      {"model_type", "gpt2"},
      {"vocab_size", keys.rows("token_embd.weight")},
      {"n_positions", keys.integer("context_length")},
      {"n_embd", keys.integer("embedding_length")},
      {"n_layer", keys.integer("block_count")},
      {"n_head", keys.integer("attention.head_count")},
      {"n_inner", keys.integer("feed_forward_length")},
      {"activation_function", "gelu_new"},
      {"layer_norm_epsilon", keys.number("attention.layer_norm_epsilon")},
      {"tie_word_embeddings", true}};
}

using Reader = Json (*)(const Keys&);
const std::map<std::string, Reader>& readers() {
  static const std::map<std::string, Reader> all = {
      {"gemma3", gemma3_config},
      {"gpt2", gpt2_config},
      {"llama", llama_config},
      {"qwen2", qwen_config},
      {"qwen3", qwen_config}};
  return all;
}

} // namespace

Json gguf_config(const GgufContent& file) {
  const std::string architecture =
      gguf_string(file.metadata, "general.architecture");
  const auto it = readers().find(architecture);
  if (it == readers().end()) {
    std::string known;
    for (const auto& [name, reader] : readers()) {
      known += (known.empty() ? "" : ", ") + name;
    }
    throw InputError(
        file.metadata.where,
        "general.architecture: expected one of " + known + " but received \"" +
            architecture + "\".");
  }
  return it->second(Keys(file, architecture));
}

} // namespace llm
