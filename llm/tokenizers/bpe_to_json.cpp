// SPDX-License-Identifier: MIT
//
// BPE as the content of tokenizer.json, key by key as Hugging Face's own
// `tokenizers` library writes it. (add_prefix_space and the others mean nothing
// in a decoder; the values there are that library's defaults.)

#include "llm/tokenizers/bpe.h"

namespace llm {
namespace {

Json byte_level_json(bool use_regex, bool add_prefix_space = false) {
  return {
      {"type", "ByteLevel"},
      {"add_prefix_space", add_prefix_space},
      {"trim_offsets", true},
      {"use_regex", use_regex}};
}

Json pre_tokenizer_json(const std::string& pattern) {
  if (pattern == gpt2_pattern) {
    return byte_level_json(true);
  }
  const Json split = {
      {"type", "Split"},
      {"pattern", {{"Regex", pattern}}},
      {"behavior", "Isolated"},
      {"invert", false}};
  return {
      {"type", "Sequence"},
      {"pretokenizers", Json::array({split, byte_level_json(false)})}};
}

Json added_tokens_json(const BpeTokenizer::Parts& parts) {
  Json list = Json::array();
  for (int32_t id : parts.special) {
    list.push_back(
        {{"id", id},
         {"content", parts.tokens[static_cast<size_t>(id)]},
         {"single_word", false},
         {"lstrip", false},
         {"rstrip", false},
         {"normalized", false},
         {"special", true}});
  }
  return list;
}

Json model_json(const BpeTokenizer::Parts& parts) {
  Json vocab = Json::object();
  auto& members = vocab.get_ref<Json::object_t&>();
  for (size_t id = 0; id < parts.tokens.size(); ++id) {
    members.emplace_back(parts.tokens[id], id); // operator[] searches
  }
  Json merges = Json::array();
  for (const BpeMerge& merge : parts.merges) {
    merges.push_back(Json::array(
        {parts.tokens[static_cast<size_t>(merge.left)],
         parts.tokens[static_cast<size_t>(merge.right)]}));
  }
  return {
      {"type", "BPE"},
      {"dropout", nullptr},
      {"unk_token", nullptr},
      {"continuing_subword_prefix", nullptr},
      {"end_of_word_suffix", nullptr},
      {"fuse_unk", false},
      {"byte_fallback", false},
      {"ignore_merges", false},
      {"vocab", std::move(vocab)},
      {"merges", std::move(merges)}};
}

} // namespace

Json BpeTokenizer::to_json() const {
  const std::string& form = parts_.normal_form;
  return {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", added_tokens_json(parts_)},
      {"normalizer", form.empty() ? Json() : Json{{"type", form}}},
      {"pre_tokenizer", pre_tokenizer_json(parts_.pattern)},
      {"post_processor", nullptr},
      {"decoder", byte_level_json(true, true)},
      {"model", model_json(parts_)}};
}

} // namespace llm
