// SPDX-License-Identifier: MIT
//
// tokenizer.json and tokenizer_config.json as files: which reader a file
// belongs to, and the exact bytes that are written.

#include "llm/core/error.h"
#include "llm/core/utf8.h"
#include "llm/tokenizers/bpe_json.h"
#include "llm/tokenizers/char_json.h"

namespace llm {
namespace {

constexpr const char* file_name = "tokenizer.json";
constexpr uint64_t max_file_bytes = uint64_t{256} << 20;

} // namespace

std::unique_ptr<Tokenizer> parse_tokenizer(
    std::string_view json_text,
    std::string_view where) {
  const Json json = parse_json(json_text, where);
  const std::string name(where);
  const JsonNode root(json, name);
  root.expect_keys(
      {"version",
       "truncation",
       "padding",
       "added_tokens",
       "normalizer",
       "pre_tokenizer",
       "post_processor",
       "decoder",
       "model"});
  root["version"].expect("1.0");
  root["truncation"].expect_null();
  root["padding"].expect_null();
  const JsonNode type = root["model"]["type"];
  if (type.text() == "BPE") {
    return read_bpe(root, name);
  }
  if (type.text() == "WordLevel") {
    return read_char(root);
  }
  type.fail(
      "expected \"BPE\" or \"WordLevel\" but received " + quote(type.text()) +
      ", which is not supported; use another tokenizer.");
}

std::unique_ptr<Tokenizer> load_tokenizer(const std::filesystem::path& path) {
  std::error_code ignored; // read_file says what is wrong with the path
  const bool is_folder = std::filesystem::is_directory(path, ignored);
  const std::filesystem::path file = is_folder ? path / file_name : path;
  return parse_tokenizer(read_file(file, max_file_bytes), file.string());
}

std::string tokenizer_json_text(const Tokenizer& tokenizer) {
  return tokenizer.to_json().dump(2) + "\n";
}

Json tokenizer_config_json(
    const Tokenizer& tokenizer,
    std::optional<int> max_length) {
  Json config = {
      {"tokenizer_class", "PreTrainedTokenizerFast"},
      {"clean_up_tokenization_spaces", false}};
  if (max_length) {
    config["model_max_length"] = *max_length;
  }
  if (const auto eos = tokenizer.eos_id()) {
    // As GPT-2: one token separates texts, so it also begins them.
    config["bos_token"] = tokenizer.token(*eos);
    config["eos_token"] = tokenizer.token(*eos);
    config["unk_token"] = tokenizer.token(*eos);
  }
  return config;
}

void save_tokenizer(
    const Tokenizer& tokenizer,
    const std::filesystem::path& folder,
    FileSystem& files,
    std::optional<int> max_length) {
  const std::string config =
      tokenizer_config_json(tokenizer, max_length).dump(2) + "\n";
  write_file_atomically(
      folder / file_name, tokenizer_json_text(tokenizer), files);
  write_file_atomically(folder / "tokenizer_config.json", config, files);
}

} // namespace llm
