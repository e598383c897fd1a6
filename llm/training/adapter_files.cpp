// SPDX-License-Identifier: MIT

#include "llm/training/adapter_files.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <mlx/ops.h>

#include "llm/core/error.h"
#include "llm/io/safetensors.h"
#include "llm/models/config.h"

namespace llm {

namespace fs = std::filesystem;

namespace {

const char* const weights_name = "adapters.safetensors";
const char* const config_name = "adapter_config.json";

// mlx-lm's models keep everything below "model.", GPT-2 too; our GPT-2 has the
// names of its checkpoint, which begin with "h.".
const std::string mlx_prefix = "model.";

std::string mlx_name(const std::string& path) {
  return path.starts_with("h.") ? mlx_prefix + path : path;
}

std::string our_path(const std::string& name) {
  return name.starts_with(mlx_prefix + "h.") ? name.substr(mlx_prefix.size())
                                             : name;
}

/** The names inside a block of the layers that have an adapter. */
std::vector<std::string> keys_of(LanguageModel& model) {
  std::set<std::string> keys;
  model.for_each_linear([&](const std::string& path, nn::Linear& layer) {
    if (layer.lora) {
      keys.insert(layer_path(path).name);
    }
  });
  return {keys.begin(), keys.end()};
}

void require_file(const fs::path& folder, const char* name) {
  std::error_code ignored;
  if (!fs::exists(folder / name, ignored)) {
    throw InputError(
        "adapter",
        folder.string() + " has no " + name +
            "; an adapter folder holds adapters.safetensors and "
            "adapter_config.json. Name another with --adapter.");
  }
}

void write_json(const fs::path& path, const Json& json, FileSystem& files) {
  write_file_atomically(path, json.dump(4) + "\n", files);
}

} // namespace

bool holds_adapter(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / weights_name, ignored);
}

AdapterConfig read_adapter_config(const fs::path& folder) {
  require_file(folder, config_name);
  const std::string where = (folder / config_name).string();
  const Json json = read_json_file(folder / config_name);
  const auto type = json_get_or(json, "fine_tune_type", "lora", where);
  if (type != "lora" && type != "dora") {
    throw InputError(
        where,
        "fine_tune_type: expected \"lora\" or \"dora\" but received " +
            Json(type).dump() + "; its weights are a model, not an adapter.");
  }
  if (!json.contains("lora_parameters")) {
    throw InputError(
        where,
        "lora_parameters: expected an object with rank and scale but received "
        "none; PEFT's adapters have other files, convert them first.");
  }
  const Json& lora = json["lora_parameters"];
  AdapterConfig config;
  config.dora = type == "dora";
  config.layers = json_get_or<int>(json, "num_layers", -1, where);
  config.rank = json_get<int>(lora, "rank", where);
  config.scale = json_get<float>(lora, "scale", where);
  config.dropout = json_get_or<float>(lora, "dropout", 0.0f, where);
  config.targets.clear();
  if (lora.contains("keys") && !lora["keys"].is_null()) {
    for (const Json& key : lora["keys"]) {
      if (!key.is_string()) {
        throw InputError(where, "keys: expected an array of layer names.");
      }
      config.targets.push_back(key.get<std::string>());
    }
  }
  try {
    config.validate();
  } catch (const UsageError& error) { // a file is input, not usage
    throw InputError(where, error.what());
  }
  return config;
}

nn::Parameters read_adapters(const fs::path& folder) {
  require_file(folder, weights_name);
  nn::Parameters out;
  for (auto& [name, array] : load_safetensors(folder / weights_name).arrays) {
    out.emplace(our_path(name), array);
  }
  return out;
}

void load_adapters(LanguageModel& model, const fs::path& folder) {
  const AdapterConfig config = read_adapter_config(folder);
  const nn::Parameters values = read_adapters(folder);
  const auto refuse = [&](const std::string& reason) {
    throw InputError(
        "adapter",
        folder.string() + " belongs to another model: " + reason +
            " Name the model it was trained on with --model.");
  };
  try {
    add_adapters(model, config, 0);
  } catch (const UsageError& error) {
    refuse(error.what());
  }
  try {
    nn::check_same_names_and_shapes(
        adapter_parameters(model), values, weights_name);
  } catch (const InputError& error) {
    remove_adapters(model);
    refuse(error.what());
  }
  model.assign(values);
}

void save_adapters(
    LanguageModel& model,
    const AdapterConfig& config,
    const fs::path& folder,
    const Json& about,
    FileSystem& files) {
  Json json = about;
  json["fine_tune_type"] = config.dora ? "dora" : "lora";
  json["num_layers"] =
      config.layers < 1 ? -1 : std::min(config.layers, model.layer_count());
  json["lora_parameters"] = {
      {"rank", config.rank},
      {"dropout", shortest(config.dropout)},
      {"scale", shortest(config.scale)},
      {"keys", keys_of(model)}};
  Arrays arrays;
  for (const auto& [path, array] : adapter_parameters(model)) {
    arrays.emplace(mlx_name(path), array);
  }
  ensure_folder(folder, files);
  write_json(folder / config_name, json, files);
  write_file_atomically(
      folder / weights_name, safetensors_bytes(arrays), files);
}

namespace {

/** The path of a layer in Hugging Face's model. */
std::string hf_path(const std::string& path) {
  return path.starts_with("h.") ? "transformer." + path : path;
}

Json peft_config(
    LanguageModel& model,
    const AdapterConfig& config,
    const std::string& base) {
  std::set<int> blocks;
  bool is_gpt2 = false;
  model.for_each_linear([&](const std::string& path, nn::Linear& layer) {
    if (layer.lora) {
      blocks.insert(layer_path(path).block);
      is_gpt2 = is_gpt2 || path.starts_with("h.");
    }
  });
  blocks.erase(-1);
  // PEFT multiplies by alpha / r; a whole number when it is one.
  const double alpha = shortest(config.scale) * config.rank;
  Json json = {
      {"peft_type", "LORA"},
      {"task_type", "CAUSAL_LM"},
      {"base_model_name_or_path", base},
      {"r", config.rank},
      {"lora_alpha", nullptr},
      {"lora_dropout", shortest(config.dropout)},
      {"target_modules", keys_of(model)},
      {"layers_to_transform", blocks},
      {"layers_pattern", is_gpt2 ? "h" : "layers"},
      {"bias", "none"},
      {"fan_in_fan_out", is_gpt2}, // its Conv1D holds turned matrices
      {"use_dora", config.dora},
      {"use_rslora", false},
      {"inference_mode", true},
      {"init_lora_weights", true},
      {"modules_to_save", nullptr}};
  json["lora_alpha"] = alpha == std::floor(alpha)
      ? Json(static_cast<int64_t>(alpha))
      : Json(alpha);
  return json;
}

} // namespace

void save_peft(
    LanguageModel& model,
    const AdapterConfig& config,
    const std::string& base,
    const fs::path& folder,
    FileSystem& files) {
  Arrays arrays;
  model.for_each_linear([&](const std::string& path, nn::Linear& layer) {
    if (!layer.lora) {
      return;
    }
    const std::string name = "base_model.model." + hf_path(path);
    arrays.emplace(name + ".lora_A.weight", mx::transpose(layer.lora->lora_a));
    arrays.emplace(name + ".lora_B.weight", mx::transpose(layer.lora->lora_b));
    if (layer.lora->m) {
      arrays.emplace(name + ".lora_magnitude_vector", *layer.lora->m);
    }
  });
  ensure_folder(folder, files);
  write_json(folder / config_name, peft_config(model, config, base), files);
  write_file_atomically(
      folder / "adapter_model.safetensors", safetensors_bytes(arrays), files);
}

} // namespace llm
