// SPDX-License-Identifier: MIT
//
// The tokenizers for tests in other languages. Every line of standard input is
// one JSON object, every line of standard output is the answer:
//   {"do": "train", "kind": "char"|"bpe", "text": s, "vocab_size": n,
//    "special_tokens": [s], "normal_form": s, "pattern": s}   -> {"size": n}
//   {"do": "load", "path": s}                                 -> {"size": n}
//   {"do": "load_gguf", "path": s}: a JSON file with the members of
//     GgufVocabulary                                          -> {"size": n}
//   {"do": "save", "path": folder, "max_length": n}           -> {"ok": true}
//   {"do": "encode", "texts": [s], "special": b, "add_special": b}
//                                                             -> {"ids": [[n]]}
//   {"do": "decode", "ids": [[n]]}                            -> {"texts": [s]}
//   {"do": "stream", "ids": [[n]]}                            -> {"texts": [s]}
//   {"do": "normalize", "texts": [s], "normal_form": s}       -> {"texts": [s]}
// and {"error": message} when something is wrong.

#include <iostream>

#include "llm/core/error.h"
#include "llm/tokenizers/bpe.h"
#include "llm/tokenizers/char.h"
#include "llm/tokenizers/gguf_vocabulary.h"
#include "llm/tokenizers/normal_form.h"
#include "llm/tokenizers/stream_decoder.h"

namespace {

using llm::Json;
using llm::json_get;
using llm::json_get_or;

constexpr const char* where = "request";

std::unique_ptr<llm::Tokenizer> train(const Json& request) {
  const auto text = json_get<std::string>(request, "text", where);
  if (json_get<std::string>(request, "kind", where) == "char") {
    return std::make_unique<llm::CharTokenizer>(
        llm::CharTokenizer::train(text));
  }
  llm::BpeOptions options;
  options.vocab_size =
      json_get_or<int>(request, "vocab_size", options.vocab_size, where);
  options.normal_form = json_get_or(request, "normal_form", "", where);
  options.pattern =
      json_get_or<std::string>(request, "pattern", options.pattern, where);
  if (request.contains("special_tokens")) {
    options.special_tokens = request["special_tokens"];
  }
  return std::make_unique<llm::BpeTokenizer>(
      llm::BpeTokenizer::train(text, options));
}

std::string stream(
    const llm::Tokenizer& tokenizer,
    const std::vector<int32_t>& ids) {
  llm::StreamDecoder decoder(tokenizer);
  std::string text;
  for (int32_t id : ids) {
    text += decoder.push(id);
  }
  return text + decoder.finish();
}

template <class T>
std::optional<T> optional_of(const Json& json, const char* key) {
  return json.contains(key) && !json[key].is_null()
      ? std::optional<T>(json[key].get<T>())
      : std::nullopt;
}

std::unique_ptr<llm::Tokenizer> load_gguf(const std::string& path) {
  const Json json = llm::read_json_file(path);
  llm::GgufVocabulary v;
  v.model = json_get<std::string>(json, "model", path);
  v.pre = json_get_or(json, "pre", "", path);
  v.tokens = json.at("tokens");
  v.scores = json.value("scores", v.scores);
  v.types = json.value("types", v.types);
  v.merges = json.value("merges", v.merges);
  v.bos = optional_of<int32_t>(json, "bos");
  v.eos = optional_of<int32_t>(json, "eos");
  v.unk = optional_of<int32_t>(json, "unk");
  v.add_bos = optional_of<bool>(json, "add_bos");
  v.add_eos = optional_of<bool>(json, "add_eos");
  v.add_space_prefix = optional_of<bool>(json, "add_space_prefix");
  return llm::read_gguf_tokenizer(v, path);
}

Json answer(std::unique_ptr<llm::Tokenizer>& tokenizer, const Json& request) {
  const auto action = json_get<std::string>(request, "do", where);
  if (action == "load_gguf") {
    tokenizer = load_gguf(json_get<std::string>(request, "path", where));
    return {{"size", tokenizer->vocab_size()}};
  }
  if (action == "train" || action == "load") {
    tokenizer = action == "train"
        ? train(request)
        : llm::load_tokenizer(json_get<std::string>(request, "path", where));
    return {{"size", tokenizer->vocab_size()}};
  }
  Json results = Json::array();
  if (action == "normalize") {
    const auto form = json_get<std::string>(request, "normal_form", where);
    for (const Json& text : request.at("texts")) {
      results.push_back(llm::normalize(text.get<std::string>(), form));
    }
    return {{"texts", results}};
  }
  if (!tokenizer) {
    throw llm::UsageError(where, "expected \"train\" or \"load\" first.");
  }
  if (action == "save") {
    llm::save_tokenizer(
        *tokenizer,
        json_get<std::string>(request, "path", where),
        llm::real_files(),
        json_get<int>(request, "max_length", where));
    return {{"ok", true}};
  }
  if (action == "encode") {
    const llm::EncodeOptions options{
        json_get_or<bool>(request, "special", false, where),
        json_get_or<bool>(request, "add_special", false, where)};
    for (const Json& text : request.at("texts")) {
      results.push_back(tokenizer->encode(text.get<std::string>(), options));
    }
    return {{"ids", results}};
  }
  const bool whole = action == "decode";
  for (const Json& ids : request.at("ids")) {
    const std::vector<int32_t> list = ids;
    results.push_back(
        whole ? tokenizer->decode(list) : stream(*tokenizer, list));
  }
  return {{"texts", results}};
}

} // namespace

int main() {
  std::unique_ptr<llm::Tokenizer> tokenizer;
  std::string line;
  while (std::getline(std::cin, line)) {
    Json result;
    try {
      result = answer(tokenizer, llm::parse_json(line, where));
    } catch (const std::exception& error) {
      result = {{"error", error.what()}};
    }
    std::cout << result.dump() << std::endl;
  }
  return 0;
}
