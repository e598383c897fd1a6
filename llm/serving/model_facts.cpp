// SPDX-License-Identifier: MIT

#include "llm/serving/model_facts.h"

#include <algorithm>
#include <map>

#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/core/gguf.h"
#include "llm/core/safetensors.h"
#include "llm/core/safetensors_index.h"
#include "llm/serving/tokenizer_kind.h"

namespace llm::serving {

namespace {

namespace fs = std::filesystem;

using Tensors = std::map<std::string, TensorInfo>;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/** The first of two names that config.json has. */
std::optional<int>
count_in(const Json& config, const char* name, const char* other) {
  const char* const key = config.contains(name) ? name : other;
  const int value = json_get_or<int>(config, key, 0, "config.json");
  return value > 0 ? std::optional(value) : std::nullopt;
}

/** The files that hold the weights. */
std::vector<fs::path> weight_files(const fs::path& folder) {
  if (is_there(folder / "model.safetensors")) {
    return {folder / "model.safetensors"};
  }
  std::vector<fs::path> files;
  const fs::path index = folder / "model.safetensors.index.json";
  for (const auto& [name, tensors] : read_safetensors_index(index)) {
    files.push_back(folder / name);
  }
  return files;
}

int64_t elements(const std::vector<int64_t>& shape) {
  int64_t product = 1; // a valid header: below the bits of the file
  for (const int64_t dimension : shape) {
    product *= dimension;
  }
  return product;
}

/** Tensors of a file that are no parameters of the model. */
bool is_no_parameter(const std::string& name, bool tied) {
  return (tied && name.starts_with("lm_head.")) ||
      name.ends_with(".attn.masked_bias") || name.ends_with(".attn.bias") ||
      name.ends_with("rotary_emb.inv_freq") ||
      name.find("vision_tower.") != name.npos ||
      name.find("multi_modal_projector.") != name.npos;
}

/** How many bits a number of the layer `path` has where layers are packed, as
 * config.json says; 0: it does not say. */
int packed_bits(const Json& config, const std::string& path) {
  const char* const key =
      config.contains("quantization") ? "quantization" : "quantization_config";
  if (!config.contains(key) || !config[key].is_object()) {
    return 0;
  }
  const Json& all = config[key];
  const Json& own =
      all.contains(path) && all[path].is_object() ? all[path] : all;
  return json_get_or<int>(own, "bits", 0, "config.json");
}

/** The number of weights, packed ones as what they stand for; nothing when the
 * files do not say it exactly. */
std::optional<int64_t> count(const Tensors& tensors, const Json& config) {
  const auto type = json_get<std::string>(config, "model_type", "config.json");
  const bool tied = json_get_or(
      config,
      "tie_word_embeddings",
      type == "gpt2" || type.starts_with("gemma"),
      "config.json");
  int64_t total = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::string path = name.substr(0, name.rfind('.'));
    const bool packed = tensors.contains(path + ".scales");
    if (is_no_parameter(name, tied) || (packed && name != path + ".weight")) {
      continue;
    }
    const int bits = packed ? packed_bits(config, path) : 32;
    if (bits < 1 || bits > 32) {
      return std::nullopt;
    }
    total += elements(tensor.shape) * 32 / bits;
  }
  return total;
}

/** The type that takes the most bytes. */
std::string main_type(const std::map<std::string, uint64_t>& bytes) {
  const auto most = std::max_element(
      bytes.begin(), bytes.end(), [](const auto& a, const auto& b) {
        return a.second < b.second;
      });
  const std::string type = most == bytes.end() ? "" : most->first;
  return type == "F32" ? "float32"
      : type == "F16"  ? "float16"
      : type == "BF16" ? "bfloat16"
                       : type;
}

void read_weights(const fs::path& folder, const Json& config, ModelInfo& info) {
  Tensors tensors;
  std::map<std::string, uint64_t> bytes;
  info.bytes = 0;
  for (const fs::path& file : weight_files(folder)) {
    *info.bytes += static_cast<int64_t>(fs::file_size(file));
    for (auto& [name, tensor] : read_safetensors_header(file).tensors) {
      bytes[tensor.dtype] += tensor.end - tensor.begin;
      tensors.insert_or_assign(name, std::move(tensor));
    }
  }
  info.params = count(tensors, config);
  const int bits = packed_bits(config, "");
  info.dtype = bits > 0 ? std::to_string(bits) + " bit" : main_type(bytes);
}

bool has_chat_template(const fs::path& folder) {
  if (is_there(folder / "chat_template.jinja")) {
    return true;
  }
  const fs::path path = folder / "tokenizer_config.json";
  if (!is_there(path)) {
    return false;
  }
  const Json config = read_json_file(path);
  if (!config.is_object() || !config.contains("chat_template")) {
    return false;
  }
  const Json& text = config["chat_template"]; // or a list of them, or null
  return !text.empty() && text != "";
}

void set_capabilities(ModelInfo& info, bool chat) {
  info.capabilities = {"attention", "lens", "whatif"};
  if (chat) {
    info.capabilities.insert(info.capabilities.begin(), "chat");
  }
}

} // namespace

void read_folder_facts(const fs::path& folder, ModelInfo& info) {
  for (const char* name : {"config.json", "tokenizer.json"}) {
    if (!is_there(folder / name)) {
      throw InputError(
          "model",
          std::string(name) +
              " is missing; copy the folder again or train the model again.");
    }
  }
  const Json config = read_json_file(folder / "config.json");
  info.arch = json_get<std::string>(config, "model_type", "config.json");
  info.n_layers = count_in(config, "num_hidden_layers", "n_layer");
  info.n_heads = count_in(config, "num_attention_heads", "n_head");
  info.n_kv_heads = count_in(config, "num_key_value_heads", "n_head");
  info.n_kv_heads = info.n_kv_heads ? info.n_kv_heads : info.n_heads;
  info.n_ctx = count_in(config, "max_position_embeddings", "n_positions");
  info.vocab = count_in(config, "vocab_size", "vocab_size");
  read_weights(folder, config, info);
  info.tokenizer = tokenizer_kind(folder / "tokenizer.json");
  set_capabilities(info, has_chat_template(folder));
}

void read_gguf_facts(const fs::path& file, ModelInfo& info) {
  const FileSource source(file);
  const GgufHeader header = parse_gguf_header(source, file.string());
  const GgufMetadata& m = header.metadata;
  info.arch = gguf_string(m, "general.architecture");
  const auto get = [&](const char* key) {
    return static_cast<int>(
        std::clamp<int64_t>(gguf_int(m, info.arch + key), 0, INT32_MAX));
  };
  info.n_layers = get(".block_count");
  info.n_heads = get(".attention.head_count");
  info.n_kv_heads = m.contains(info.arch + ".attention.head_count_kv")
      ? get(".attention.head_count_kv")
      : info.n_heads;
  info.n_ctx = get(".context_length");
  info.bytes = static_cast<int64_t>(source.size());
  info.params = 0;
  std::map<std::string, uint64_t> bytes; // by type or by bits
  for (const auto& [name, tensor] : header.tensors) {
    if (name == "token_embd.weight") {
      info.vocab = static_cast<int>(tensor.shape.front());
    }
    if (name != "rope_freqs.weight") { // constants
      *info.params += elements(tensor.shape);
    }
    const std::string type = tensor.type->bits == 0
        ? std::string(tensor.type->name)
        : std::to_string(tensor.type->bits) + " bit";
    bytes[type] += tensor.end - tensor.begin;
  }
  info.dtype = main_type(bytes);
  info.tokenizer = "bpe"; // both kinds that GGUF has
  set_capabilities(
      info, !gguf_string_or(m, "tokenizer.chat_template", "").empty());
}

// As the file of scripts/fetch_model/smollm2.json says of itself.
ModelInfo smollm2_facts() {
  ModelInfo info;
  info.id = "smollm2";
  info.name = "SmolLM2-135M-Instruct";
  info.arch = "llama";
  info.params = 134'515'008;
  info.bytes = 92'871'040;
  info.n_layers = 30;
  info.n_heads = 9;
  info.n_kv_heads = 3;
  info.n_ctx = 8192;
  info.vocab = 49'152;
  info.dtype = "4 bit";
  info.tokenizer = "bpe";
  set_capabilities(info, true);
  info.downloaded = false;
  return info;
}

} // namespace llm::serving
