// SPDX-License-Identifier: MIT

#include "llm/models/gguf_model.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>
#include <vector>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/core/error.h"

namespace llm {

namespace {

using Names = std::vector<std::pair<std::string, std::string>>;

/** Names of a layer, GGUF's and the checkpoint's, without .weight or .bias. */
const Names& layer_names(const std::string& architecture) {
  static const Names llama = {
      {"attn_norm", "input_layernorm"},
      {"attn_q", "self_attn.q_proj"},
      {"attn_k", "self_attn.k_proj"},
      {"attn_v", "self_attn.v_proj"},
      {"attn_output", "self_attn.o_proj"},
      {"attn_q_norm", "self_attn.q_norm"},
      {"attn_k_norm", "self_attn.k_norm"},
      {"ffn_norm", "post_attention_layernorm"},
      {"ffn_gate", "mlp.gate_proj"},
      {"ffn_up", "mlp.up_proj"},
      {"ffn_down", "mlp.down_proj"}};
  static const Names gemma = [] {
    Names names = llama;
    for (auto& [theirs, ours] : names) {
      if (theirs == "ffn_norm") {
        ours = "pre_feedforward_layernorm";
      }
    }
    names.emplace_back("post_attention_norm", "post_attention_layernorm");
    names.emplace_back("post_ffw_norm", "post_feedforward_layernorm");
    return names;
  }();
  static const Names gpt2 = {
      {"attn_norm", "ln_1"},
      {"attn_qkv", "attn.c_attn"},
      {"attn_output", "attn.c_proj"},
      {"ffn_norm", "ln_2"},
      {"ffn_up", "mlp.c_fc"},
      {"ffn_down", "mlp.c_proj"}};
  return architecture == "gpt2"  ? gpt2
      : architecture == "gemma3" ? gemma
                                 : llama;
}

/** Names outside of the layers. */
const Names& outer_names(const std::string& architecture) {
  static const Names llama = {
      {"token_embd", "model.embed_tokens"},
      {"output_norm", "model.norm"},
      {"output", "lm_head"}};
  static const Names gpt2 = {
      {"token_embd", "wte"},
      {"position_embd", "wpe"},
      {"output_norm", "ln_f"},
      {"output", "lm_head"}};
  return architecture == "gpt2" ? gpt2 : llama;
}

std::string find(const Names& names, const std::string& theirs) {
  for (const auto& [from, to] : names) {
    if (from == theirs) {
      return to;
    }
  }
  return "";
}

/** "blk.3.attn_q" -> "model.layers.3.self_attn.q_proj"; "" if unknown. */
std::string our_name(const std::string& architecture, const std::string& name) {
  if (!name.starts_with("blk.")) {
    return find(outer_names(architecture), name);
  }
  const size_t dot = name.find('.', 4);
  if (dot == std::string::npos) {
    return "";
  }
  const std::string number = name.substr(4, dot - 4);
  const std::string inner =
      find(layer_names(architecture), name.substr(dot + 1));
  const std::string outer = architecture == "gpt2" ? "h." : "model.layers.";
  return inner.empty() ? "" : outer + number + "." + inner;
}

/** GGUF's rows of a head are pairs (0, 1), (2, 3), ...; a checkpoint's are
 * (0, D/2), (1, D/2 + 1), ... The row of GGUF for each row of ours. */
mx::array rotary_order(int rows, int heads) {
  const int D = rows / heads, half = D / 2;
  std::vector<int32_t> order(rows);
  for (int r = 0; r < rows; ++r) {
    const int head = r / D, i = r % D;
    order[r] = head * D + 2 * (i % half) + i / half;
  }
  return mx::array(order.data(), mx::Shape{rows}, mx::int32);
}

class Converter {
 public:
  Converter(GgufContent& file, const Json& config)
      : file_(file),
        config_(config),
        architecture_(gguf_string(file.metadata, "general.architecture")) {}

  nn::Parameters run() {
    while (!file_.tensors.empty()) {
      auto node = file_.tensors.extract(file_.tensors.begin());
      if (node.key() != "rope_freqs.weight") { // in config, see gguf_config
        convert(node.key(), std::move(node.mapped()));
      }
    }
    return std::move(out_);
  }

 private:
  void convert(const std::string& name, GgufTensor tensor) {
    const size_t dot = name.rfind('.');
    const std::string stem = name.substr(0, dot);
    const std::string kind = dot == std::string::npos ? "" : name.substr(dot);
    const std::string ours = our_name(architecture_, stem);
    if (ours.empty() || (kind != ".weight" && kind != ".bias")) {
      throw InputError(
          file_.metadata.where,
          "expected tensors of a " + architecture_ + " but found " + name +
              ", which has no place in it; the file may be of a variant that "
              "is not supported.");
    }
    if (architecture_ == "llama") {
      if (stem.ends_with("attn_q")) {
        reorder(tensor, config_["num_attention_heads"].get<int>());
      } else if (stem.ends_with("attn_k")) {
        reorder(tensor, config_["num_key_value_heads"].get<int>());
      }
    } else if (architecture_ == "gemma3" && stem.ends_with("norm")) {
      tensor.weight = mx::subtract(dequantize(tensor), mx::array(1.0f));
    } else if (architecture_ == "gpt2" && kind == ".weight") {
      to_gpt2(tensor, stem);
    }
    add(ours, kind, tensor);
  }

  // Files of GPT-2 hold a layer's matrix as [in, out], and nothing packed.
  static void to_gpt2(GgufTensor& tensor, const std::string& stem) {
    mx::array weight = dequantize(tensor);
    if (weight.ndim() == 2 && stem.starts_with("blk.")) {
      weight = mx::contiguous(mx::transpose(weight));
    }
    tensor = GgufTensor{.weight = weight};
  }

  static void reorder(GgufTensor& tensor, int heads) {
    const int rows = tensor.weight.shape(0);
    if (heads < 1 || rows % (2 * heads) != 0) {
      return; // update() will name the wrong shape
    }
    const mx::array order = rotary_order(rows, heads);
    tensor.weight = mx::take(tensor.weight, order, 0);
    if (tensor.bits != 0) {
      tensor.scales = mx::take(*tensor.scales, order, 0);
      tensor.biases = mx::take(*tensor.biases, order, 0);
    }
  }

  void add(
      const std::string& path,
      const std::string& kind,
      const GgufTensor& tensor) {
    std::vector<mx::array> made = {tensor.weight};
    out_.emplace(path + kind, tensor.weight);
    if (tensor.bits != 0) {
      out_.emplace(path + ".scales", *tensor.scales);
      out_.emplace(path + ".biases", *tensor.biases);
      made.push_back(*tensor.scales);
      made.push_back(*tensor.biases);
    }
    mx::eval(made); // one by one, so that what it was made from is freed
  }

  GgufContent& file_;
  const Json& config_;
  std::string architecture_;
  nn::Parameters out_;
};

template <class T>
std::optional<T> optional_int(const GgufMetadata& m, const char* key) {
  return m.contains(key) ? std::optional<T>(static_cast<T>(gguf_int(m, key)))
                         : std::nullopt;
}

std::optional<bool> optional_bool(const GgufMetadata& m, const char* key) {
  return m.contains(key) ? std::optional(gguf_bool(m, key)) : std::nullopt;
}

} // namespace

nn::Parameters gguf_parameters(GgufContent& file, const Json& config) {
  return Converter(file, config).run();
}

GgufVocabulary gguf_vocabulary(const GgufMetadata& m) {
  GgufVocabulary v;
  v.model = gguf_string(m, "tokenizer.ggml.model");
  v.pre = gguf_string_or(m, "tokenizer.ggml.pre", "");
  v.tokens = gguf_strings(m, "tokenizer.ggml.tokens");
  if (m.contains("tokenizer.ggml.scores")) {
    const std::vector<double> scores = gguf_floats(m, "tokenizer.ggml.scores");
    v.scores.assign(scores.begin(), scores.end());
  }
  if (m.contains("tokenizer.ggml.token_type")) {
    const std::vector<int64_t> types =
        gguf_ints(m, "tokenizer.ggml.token_type");
    v.types.assign(types.begin(), types.end());
  }
  if (m.contains("tokenizer.ggml.merges")) {
    v.merges = gguf_strings(m, "tokenizer.ggml.merges");
  }
  v.bos = optional_int<int32_t>(m, "tokenizer.ggml.bos_token_id");
  v.eos = optional_int<int32_t>(m, "tokenizer.ggml.eos_token_id");
  v.unk = optional_int<int32_t>(m, "tokenizer.ggml.unknown_token_id");
  v.add_bos = optional_bool(m, "tokenizer.ggml.add_bos_token");
  v.add_eos = optional_bool(m, "tokenizer.ggml.add_eos_token");
  v.add_space_prefix = optional_bool(m, "tokenizer.ggml.add_space_prefix");
  v.chat_template = gguf_string_or(m, "tokenizer.chat_template", "");
  return v;
}

ModelFolder load_gguf_model(const std::filesystem::path& path) {
  GgufContent file = load_gguf(path);
  const Json config = gguf_config(file);
  const GgufVocabulary vocabulary = gguf_vocabulary(file.metadata);
  ModelFolder out;
  try {
    out.model = make_model(config);
  } catch (const UsageError& error) { // a file is input, not usage
    throw InputError("model", path.string() + ": " + error.what());
  }
  out.tokenizer = read_gguf_tokenizer(vocabulary, path.string());
  out.info = read_gguf_tokenizer_info(vocabulary);
  check_vocabularies(*out.model, *out.tokenizer, path);
  set_weights(*out.model, gguf_parameters(file, config), path.string());
  return out;
}

} // namespace llm
