// SPDX-License-Identifier: MIT
//
// BPE as the content of tokenizer.json, key by key as Hugging Face's own
// `tokenizers` library writes it.

#include "llm/tokenizers/bpe.h"

namespace llm {
namespace {

Json added_tokens_json(const BpeTokenizer::Parts& parts) {
  Json list = Json::array();
  for (const AddedToken& token : parts.added) {
    list.push_back(
        {{"id", token.id},
         {"content", parts.tokens[static_cast<size_t>(token.id)]},
         {"single_word", token.single_word},
         {"lstrip", token.lstrip},
         {"rstrip", token.rstrip},
         {"normalized", token.normalized},
         {"special", token.special}});
  }
  return list;
}

Json vocab_json(const BpeTokenizer::Parts& parts) {
  std::vector<bool> outside(parts.tokens.size());
  for (const AddedToken& token : parts.added) {
    outside[static_cast<size_t>(token.id)] = !token.in_vocab;
  }
  Json vocab = Json::object();
  auto& members = vocab.get_ref<Json::object_t&>();
  for (size_t id = 0; id < parts.tokens.size(); ++id) {
    if (!outside[id]) {
      members.emplace_back(parts.tokens[id], id); // operator[] searches
    }
  }
  return vocab;
}

Json model_json(const BpeTokenizer::Parts& parts) {
  Json merges = Json::array();
  for (const BpeMerge& merge : parts.merges) {
    merges.push_back(Json::array(
        {parts.tokens[static_cast<size_t>(merge.left)],
         parts.tokens[static_cast<size_t>(merge.right)]}));
  }
  const Json unk =
      parts.unk ? Json(parts.tokens[static_cast<size_t>(*parts.unk)]) : Json();
  return {
      {"type", "BPE"},
      {"dropout", nullptr},
      {"unk_token", unk},
      {"continuing_subword_prefix", nullptr},
      {"end_of_word_suffix", nullptr},
      {"fuse_unk", parts.fuse_unk},
      {"byte_fallback", parts.byte_fallback},
      {"ignore_merges", parts.ignore_merges},
      {"vocab", vocab_json(parts)},
      {"merges", std::move(merges)}};
}

} // namespace

Json BpeTokenizer::to_json() const {
  const Json& pipeline = parts_.pipeline;
  return {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", added_tokens_json(parts_)},
      {"normalizer", pipeline["normalizer"]},
      {"pre_tokenizer", pipeline["pre_tokenizer"]},
      {"post_processor", pipeline["post_processor"]},
      {"decoder", pipeline["decoder"]},
      {"model", model_json(parts_)}};
}

} // namespace llm
