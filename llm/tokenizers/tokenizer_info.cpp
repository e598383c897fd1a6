// SPDX-License-Identifier: MIT

#include "llm/tokenizers/tokenizer_info.h"

#include <algorithm>

#include "llm/core/error.h"
#include "llm/core/utf8.h"
#include "llm/tokenizers/json_node.h"

namespace llm {
namespace {

namespace fs = std::filesystem;

/// The file as JSON; an empty object when it is not there.
Json read_if_there(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(file, ignored) ? read_json_file(file) : Json::object();
}

/// "bos_token" is a string, or an object with its "content".
std::string token_text(const JsonNode& node) {
  if (node.is_null()) {
    return "";
  }
  return node.value().is_object() ? node["content"].text() : node.text();
}

/// The id of a token that the configuration names, nothing for "".
std::optional<int32_t> token_id(
    const JsonNode& node,
    const std::string& token,
    const Tokenizer& tokenizer) {
  const auto id = tokenizer.token_id(token);
  if (!token.empty() && !id) {
    node.fail(
        "expected a token of tokenizer.json but received " + quote(token) +
        "; correct the file.");
  }
  return id;
}

/// "eos_token_id": an id, a list of ids or null.
void add_eos_ids(
    const JsonNode& node,
    const Tokenizer& tokenizer,
    TokenizerInfo& info) {
  const int64_t last = tokenizer.vocab_size() - 1;
  if (node.value().is_array()) {
    for (size_t i = 0; i < node.array_size(); ++i) {
      info.add_eos(static_cast<int32_t>(node.at(i).integer(0, last)));
    }
  } else if (!node.is_null()) {
    info.add_eos(static_cast<int32_t>(node.integer(0, last)));
  }
}

/// A text, or a list of {"name", "template"}, of which "default" counts.
std::string template_text(const JsonNode& node) {
  if (node.is_null() || node.value().is_string()) {
    return node.is_null() ? "" : node.text();
  }
  for (size_t i = 0; i < node.array_size(); ++i) {
    if (node.at(i)["name"].text() == "default") {
      return node.at(i)["template"].text();
    }
  }
  node.fail("expected a template with the name \"default\"; add one.");
}

} // namespace

void TokenizerInfo::add_eos(int32_t id) {
  if (std::find(eos.begin(), eos.end(), id) == eos.end()) {
    eos.push_back(id);
  }
}

bool ends_turn(std::string_view token) {
  for (const char* known :
       {"<|im_end|>",
        "<|eot_id|>",
        "<|eom_id|>",
        "<end_of_turn>",
        "<|end|>",
        "<|endoftext|>",
        "<|end_of_text|>",
        "</s>",
        "<eos>"}) {
    if (token == known) {
      return true;
    }
  }
  return false;
}

TokenizerInfo read_tokenizer_info(
    const fs::path& folder,
    const Tokenizer& tokenizer) {
  TokenizerInfo info;
  for (const char* name : {"generation_config.json", "config.json"}) {
    const fs::path file = folder / name;
    const Json json = read_if_there(file);
    add_eos_ids(JsonNode(json, file.string())["eos_token_id"], tokenizer, info);
  }
  const fs::path file = folder / "tokenizer_config.json";
  const Json json = read_if_there(file);
  const JsonNode config(json, file.string());
  info.bos_token = token_text(config["bos_token"]);
  info.eos_token = token_text(config["eos_token"]);
  info.bos = token_id(config["bos_token"], info.bos_token, tokenizer);
  const auto eos = token_id(config["eos_token"], info.eos_token, tokenizer);
  if (eos) {
    info.add_eos(*eos);
  } else if (info.eos.empty() && tokenizer.eos_id()) {
    info.add_eos(*tokenizer.eos_id());
  }
  info.chat_template = template_text(config["chat_template"]);
  const fs::path jinja = folder / "chat_template.jinja";
  std::error_code ignored;
  if (fs::exists(jinja, ignored)) {
    info.chat_template = read_file(jinja, uint64_t{1} << 20);
  }
  return info;
}

Json tokenizer_config_json(
    const Tokenizer& tokenizer,
    const TokenizerInfo& info,
    std::optional<int> max_length) {
  Json config = tokenizer_config_json(tokenizer, max_length);
  if (!info.bos_token.empty()) {
    config["bos_token"] = info.bos_token;
  }
  if (!info.eos_token.empty()) {
    config["eos_token"] = info.eos_token;
  }
  if (!info.chat_template.empty()) {
    config["chat_template"] = info.chat_template;
  }
  return config;
}

} // namespace llm
