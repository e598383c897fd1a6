// SPDX-License-Identifier: MIT

#include "llm/models/load.h"

#include <algorithm>
#include <optional>
#include <sstream>

#include <mlx/ops.h>
#include <mlx/transforms.h>
#include <mlx/utils.h>

#include "llm/core/error.h"
#include "llm/io/safetensors.h"
#include "llm/kernels/kernels.h"
#include "llm/models/gguf_model.h"
#include "llm/models/quantize.h"

namespace llm {

namespace {

const char* const weights_name = "model.safetensors";
const char* const index_name = "model.safetensors.index.json";

std::string json_text(const Json& json) {
  return json.dump(2) + "\n";
}

bool is_float(const mx::array& array) {
  return mx::issubdtype(array.dtype(), mx::floating);
}

std::string type_name(const mx::array& array) {
  std::ostringstream out;
  out << array.dtype();
  return out.str();
}

/** A packed weight is whole numbers, everything else is not. */
void check_types(
    const nn::Parameters& expected,
    const nn::Parameters& received,
    const std::string& where) {
  for (const auto& [name, array] : received) {
    const auto it = expected.find(name);
    if (it != expected.end() && is_float(it->second) != is_float(array)) {
      throw InputError(
          where,
          name + ": expected numbers of type " + type_name(it->second) +
              " but received " + type_name(array) +
              "; check that config.json belongs to it.");
    }
  }
}

bool of_groups(const std::string& name) {
  return name.ends_with(".scales") || name.ends_with(".biases");
}

/** Scales and biases of packed matrices as halves if that is exact: they are
 * read for each token, and our products read halves. */
void halve_exactly(nn::Parameters& arrays) {
  for (auto& [name, scales] : arrays) {
    if (!name.ends_with(".scales")) {
      continue;
    }
    const std::string path = name.substr(0, name.size() - 7);
    const auto biases = arrays.find(path + ".biases");
    if (biases == arrays.end()) {
      continue;
    }
    const mx::array s = mx::astype(scales, mx::float16);
    const mx::array b = mx::astype(biases->second, mx::float16);
    const auto exact = [](const mx::array& half, const mx::array& full) {
      return mx::array_equal(half, full).item<bool>(); // compared in float32
    };
    if (exact(s, scales) && exact(b, biases->second)) {
      scales = s;
      biases->second = b;
    }
  }
}

/** As a file holds it: what halve_exactly() did is undone. */
nn::Parameters for_a_file(nn::Parameters arrays) {
  if (mx::default_device() == mx::Device::cpu) {
    for (auto& [name, array] : arrays) {
      if (of_groups(name)) {
        array = mx::astype(array, mx::float32);
      }
    }
  }
  return arrays;
}

/** config.json, with the type that the weights have. */
Json config_of(const LanguageModel& model) {
  Json out = model.config();
  const nn::Parameters all = for_a_file(model.parameters());
  const auto first = std::find_if(
      all.begin(), all.end(), [](const auto& p) { return is_float(p.second); });
  if (first != all.end()) {
    out["torch_dtype"] = type_name(first->second);
  }
  return out;
}

} // namespace

namespace {

/** A GPU computes in the type of the weights. Where a file has vectors of
 * float32 beside matrices of 16 bits, as GGUF files do, each product would be
 * in float32: then all get the 16 bits. */
void agree_on_16_bits(nn::Parameters& arrays) {
  std::optional<mx::Dtype> half;
  for (const auto& [name, array] : arrays) {
    const mx::Dtype type = array.dtype();
    if (type == mx::float16 || type == mx::bfloat16) {
      half = half && *half != type ? mx::bfloat16 : type;
    }
  }
  for (auto& [name, array] : arrays) {
    if (half && is_float(array) && array.dtype() != *half) {
      array = mx::astype(array, *half);
    }
  }
}

} // namespace

void set_weights(
    LanguageModel& model,
    nn::Parameters arrays,
    const std::string& where) {
  arrays = model.translate(std::move(arrays), where);
  if (mx::default_device() == mx::Device::cpu) {
    for (auto& [name, array] : arrays) {
      if (is_float(array) && array.dtype() != mx::float32) {
        array = mx::astype(array, mx::float32);
        mx::eval(array); // one by one: the half is freed
      }
    }
    if (kernels::reads_halves()) {
      halve_exactly(arrays);
    }
  } else {
    agree_on_16_bits(arrays);
  }
  expect_quantized(model, arrays, where);
  check_types(model.parameters(), arrays, where);
  model.update(arrays, where);
}

bool holds_model(const std::filesystem::path& folder) {
  std::error_code ignored;
  return std::filesystem::exists(folder / weights_name, ignored) ||
      std::filesystem::exists(folder / index_name, ignored);
}

void check_vocabularies(
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::filesystem::path& where) {
  if (tokenizer.vocab_size() > model.vocab_size()) {
    throw InputError(
        "model",
        where.string() + ": the tokenizer has " +
            std::to_string(tokenizer.vocab_size()) +
            " tokens but the model's vocab_size is " +
            std::to_string(model.vocab_size()) +
            "; take both from the same model.");
  }
}

ModelFolder load_model(const std::filesystem::path& path) {
  return path.extension() == ".gguf" ? load_gguf_model(path)
                                     : load_model_folder(path);
}

ModelFolder load_model_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored)) {
    throw InputError(
        "model",
        "expected a model folder but " + folder.string() +
            " is none; train one with ./tutorial start, or name one with "
            "--model.");
  }
  for (const char* name : {"config.json", weights_name, "tokenizer.json"}) {
    if (!std::filesystem::exists(folder / name, ignored) &&
        !(name == weights_name && holds_model(folder))) {
      throw InputError(
          "model",
          folder.string() + " has no " + name +
              "; a model folder holds config.json, model.safetensors and "
              "tokenizer.json. Train it again or choose another with --model.");
    }
  }
  ModelFolder out;
  try {
    const Json config = read_json_file(folder / "config.json");
    check_quantization_method(config);
    out.model = make_model(config);
  } catch (const UsageError& error) { // a file is input, not usage
    throw InputError(
        "model", (folder / "config.json").string() + ": " + error.what());
  }
  out.tokenizer = load_tokenizer(folder / "tokenizer.json");
  check_vocabularies(*out.model, *out.tokenizer, folder / "config.json");
  out.info = read_tokenizer_info(folder, *out.tokenizer);
  set_weights(
      *out.model,
      load_checkpoint_arrays(folder),
      (folder / weights_name).string());
  return out;
}

void save_model_folder(
    const std::filesystem::path& folder,
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::string& readme,
    FileSystem& files,
    const TokenizerInfo& info) {
  ensure_folder(folder, files);
  Json generation = {{"do_sample", true}};
  const Json config = config_of(model);
  const auto eos = tokenizer.eos_id();
  if (!info.eos.empty()) { // a chat model may have several
    generation["eos_token_id"] = info.eos;
  } else if (!config["eos_token_id"].is_null()) {
    generation["eos_token_id"] = config["eos_token_id"];
  } else if (eos) {
    generation["eos_token_id"] = *eos;
  }
  write_file_atomically(folder / "config.json", json_text(config), files);
  write_file_atomically(
      folder / "generation_config.json", json_text(generation), files);
  save_tokenizer(tokenizer, folder, files, model.context_length());
  write_file_atomically(
      folder / "tokenizer_config.json",
      json_text(tokenizer_config_json(tokenizer, info, model.context_length())),
      files);
  write_file_atomically(folder / "README.md", readme, files);
  write_file_atomically(
      folder / weights_name,
      safetensors_bytes(for_a_file(model.to_checkpoint())),
      files);
}

std::string mlx_lm_difference(const LanguageModel& model) {
  const Json config = model.config();
  const std::string type = model.model_type();
  if (type == "gpt2" && config["activation_function"] != "gelu_new") {
    return "mlx-lm computes gpt2 with gelu_new whatever config.json says, and "
           "this model uses " +
        config["activation_function"].get<std::string>() +
        ": its logits will differ there.";
  }
  if (config.contains("final_logit_softcapping") &&
      !config["final_logit_softcapping"].is_null()) {
    return "mlx-lm leaves out final_logit_softcapping: its logits will differ.";
  }
  const std::vector<int> windows = model.layer_windows();
  const int window = *std::max_element(windows.begin(), windows.end());
  if (type != "gemma3_text" && window > 0 && window < model.context_length()) {
    return "mlx-lm computes " + type +
        " without the sliding window of config.json: its logits will differ "
        "after " +
        std::to_string(window) + " tokens.";
  }
  return "";
}

} // namespace llm
