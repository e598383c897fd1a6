// SPDX-License-Identifier: MIT

#include "llm/models/load.h"

#include "llm/core/error.h"
#include "llm/io/safetensors.h"

namespace llm {

namespace {

const char* const weights_name = "model.safetensors";

std::string json_text(const Json& json) {
  return json.dump(2) + "\n";
}

} // namespace

bool holds_model(const std::filesystem::path& folder) {
  std::error_code ignored;
  return std::filesystem::exists(folder / weights_name, ignored);
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
    if (!std::filesystem::exists(folder / name, ignored)) {
      throw InputError(
          "model",
          folder.string() + " has no " + name +
              "; a model folder holds config.json, model.safetensors and "
              "tokenizer.json. Train it again or choose another with --model.");
    }
  }
  ModelFolder out;
  try {
    out.model = make_model(read_json_file(folder / "config.json"));
  } catch (const UsageError& error) { // a file is input, not usage
    throw InputError(
        "model", (folder / "config.json").string() + ": " + error.what());
  }
  out.tokenizer = load_tokenizer(folder / "tokenizer.json");
  if (out.tokenizer->vocab_size() > out.model->vocab_size()) {
    throw InputError(
        "model",
        folder.string() + ": tokenizer.json has " +
            std::to_string(out.tokenizer->vocab_size()) +
            " tokens but config.json says vocab_size " +
            std::to_string(out.model->vocab_size()) +
            "; take both from the same model.");
  }
  const std::filesystem::path weights = folder / weights_name;
  out.model->update(
      out.model->translate(load_safetensors(weights).arrays, weights.string()),
      weights.string());
  return out;
}

void save_model_folder(
    const std::filesystem::path& folder,
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const std::string& readme,
    FileSystem& files) {
  ensure_folder(folder, files);
  Json generation = {{"do_sample", true}};
  if (const auto eos = tokenizer.eos_id()) {
    generation["eos_token_id"] = *eos;
  }
  write_file_atomically(
      folder / "config.json", json_text(model.config()), files);
  write_file_atomically(
      folder / "generation_config.json", json_text(generation), files);
  save_tokenizer(tokenizer, folder, files, model.context_length());
  write_file_atomically(folder / "README.md", readme, files);
  write_file_atomically(
      folder / weights_name, safetensors_bytes(model.to_checkpoint()), files);
}

std::string mlx_lm_difference(const LanguageModel& model) {
  const Json config = model.config();
  if (model.model_type() == "gpt2" &&
      config["activation_function"] != "gelu_new") {
    return "mlx-lm computes gpt2 with gelu_new whatever config.json says, and "
           "this model uses " +
        config["activation_function"].get<std::string>() +
        ": its logits will differ there.";
  }
  return "";
}

} // namespace llm
