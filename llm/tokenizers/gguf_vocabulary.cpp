// SPDX-License-Identifier: MIT
//
// The names of pre-tokenizers and their patterns are those of llama.cpp
// (llama-vocab.cpp), written as the models' own tokenizer.json files have them.

#include "llm/tokenizers/gguf_vocabulary.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "llm/core/error.h"
#include "llm/core/utf8.h"
#include "llm/tokenizers/bpe.h"
#include "llm/tokenizers/gguf_merges.h"

namespace llm {
namespace {

constexpr std::string_view contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|";
constexpr std::string_view tail =
    R"( ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// How one `pre` cuts words.
struct Pre {
  std::vector<std::string_view> names;
  std::vector<std::string> patterns; ///< each cuts the pieces of the one before
  bool digits = false;               ///< each digit alone, before GPT-2's
  bool nfc = false;
  bool ignore_merges = false;
  bool add_bos = false;
};

const std::vector<Pre>& known_pres() {
  static const std::vector<Pre> pres = [] {
    const std::string head(contractions);
    const std::string word = R"([^\r\n\p{L}\p{N}]?\p{L}+|)";
    const std::string end(tail);
    const std::string upper = R"([\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}])";
    const std::string lower = R"([\p{Ll}\p{Lm}\p{Lo}\p{M}])";
    const std::string before = R"([^\r\n\p{L}\p{N}]?)";
    const std::string tekken = before + upper + "*" + lower + "+|" + before +
        upper + "+" + lower + R"(*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|)" +
        R"(\s*[\r\n]+|\s+(?!\S)|\s+)";
    return std::vector<Pre>{
        {.names = {"gpt-2", "gpt2"}},
        {.names = {"smollm", "starcoder", "refact", "command-r"},
         .digits = true},
        {.names = {"llama-bpe", "llama3", "llama-v3"},
         .patterns = {head + word + R"(\p{N}{1,3}|)" + end},
         .ignore_merges = true,
         .add_bos = true},
        {.names = {"qwen2", "deepseek-r1-qwen"},
         .patterns = {head + word + R"(\p{N}|)" + end},
         .nfc = true},
        {.names = {"tekken"},
         .patterns = {tekken},
         .ignore_merges = true,
         .add_bos = true},
        {.names = {"default", ""},
         .patterns = {
             R"([\p{P}\$\+<=>\^~\|]+)",
             std::string(gpt2_pattern),
             R"(\p{N}+)",
             "[0-9][0-9][0-9]"}}};
  }();
  return pres;
}

const Pre& find_pre(const GgufVocabulary& v, const std::string& where) {
  std::string list;
  for (const Pre& pre : known_pres()) {
    for (std::string_view name : pre.names) {
      if (name == v.pre) {
        return pre;
      }
      list +=
          name.empty() ? "" : (list.empty() ? "" : ", ") + std::string(name);
    }
  }
  throw InputError(
      where,
      "tokenizer.ggml.pre: expected one of " + list + " but received " +
          quote(v.pre) + "; use the model's folder with its tokenizer.json.");
}

Json byte_level_json(bool use_regex) {
  return {
      {"type", "ByteLevel"},
      {"add_prefix_space", false},
      {"trim_offsets", true},
      {"use_regex", use_regex}};
}

Json pre_tokenizer_json(const Pre& pre) {
  Json steps = Json::array();
  if (pre.digits) {
    steps.push_back({{"type", "Digits"}, {"individual_digits", true}});
  }
  for (const std::string& pattern : pre.patterns) {
    steps.push_back(
        {{"type", "Split"},
         {"pattern", {{"Regex", pattern}}},
         {"behavior", "Isolated"},
         {"invert", false}});
  }
  steps.push_back(byte_level_json(pre.patterns.empty()));
  return {{"type", "Sequence"}, {"pretokenizers", steps}};
}

Json replace_json(std::string_view from, std::string_view to) {
  return {
      {"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", to}};
}

Json sentencepiece_pipeline(bool add_space) {
  Json normalizers = Json::array();
  Json decoders = Json::array(
      {replace_json(metaspace, " "),
       {{"type", "ByteFallback"}},
       {{"type", "Fuse"}}});
  if (add_space) {
    normalizers.push_back({{"type", "Prepend"}, {"prepend", metaspace}});
    decoders.push_back(
        {{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  normalizers.push_back(replace_json(" ", metaspace));
  return {
      {"normalizer", {{"type", "Sequence"}, {"normalizers", normalizers}}},
      {"pre_tokenizer", nullptr},
      {"post_processor", nullptr},
      {"decoder", {{"type", "Sequence"}, {"decoders", decoders}}}};
}

/// TemplateProcessing with the tokens before and behind the text.
Json template_json(
    const std::vector<std::string>& tokens,
    std::optional<int32_t> before,
    std::optional<int32_t> after) {
  Json special = Json::object();
  const auto entry = [&](int32_t id) -> Json {
    const std::string& name = tokens[static_cast<size_t>(id)];
    special[name] = {
        {"id", name},
        {"ids", Json::array({id})},
        {"tokens", Json::array({name})}};
    return {{"SpecialToken", {{"id", name}, {"type_id", 0}}}};
  };
  const auto around = [&](const char* text) {
    Json list = Json::array();
    if (before) {
      list.push_back(entry(*before));
    }
    list.push_back({{"Sequence", {{"id", text}, {"type_id", 0}}}});
    if (after) {
      list.push_back(entry(*after));
    }
    return list;
  };
  const Json single = around("A");
  Json pair = single;
  for (const Json& item : around("B")) {
    pair.push_back(item);
  }
  return {
      {"type", "TemplateProcessing"},
      {"single", single},
      {"pair", pair},
      {"special_tokens", special}};
}

} // namespace

std::unique_ptr<Tokenizer> read_gguf_tokenizer(
    const GgufVocabulary& v,
    const std::string& where) {
  check_gguf_vocabulary(v, where);
  BpeTokenizer::Parts parts;
  parts.where = where;
  parts.tokens = v.tokens;
  parts.added = gguf_added_tokens(v);
  bool add_bos = true;
  if (v.model == "llama") {
    parts.pipeline = sentencepiece_pipeline(v.add_space_prefix.value_or(true));
    parts.byte_fallback = gguf_has_bytes(v);
    parts.fuse_unk = true;
    parts.unk = v.unk;
    parts.merges = merges_of_scores(v);
  } else {
    const Pre& pre = find_pre(v, where);
    parts.pipeline = {
        {"normalizer", pre.nfc ? Json{{"type", "NFC"}} : Json()},
        {"pre_tokenizer", pre_tokenizer_json(pre)},
        {"post_processor", nullptr},
        {"decoder", byte_level_json(true)}};
    parts.ignore_merges = pre.ignore_merges;
    parts.merges = merges_of_lines(v, where);
    add_bos = pre.add_bos;
  }
  const bool begin = v.bos && v.add_bos.value_or(add_bos);
  const bool end = v.eos && v.add_eos.value_or(false);
  if (begin || end) {
    parts.pipeline["post_processor"] = template_json(
        v.tokens, begin ? v.bos : std::nullopt, end ? v.eos : std::nullopt);
  }
  return std::make_unique<BpeTokenizer>(std::move(parts));
}

TokenizerInfo read_gguf_tokenizer_info(const GgufVocabulary& v) {
  TokenizerInfo info;
  const auto name = [&](std::optional<int32_t> id) {
    const bool valid = id && *id >= 0 && size_t(*id) < v.tokens.size();
    return valid ? v.tokens[size_t(*id)] : std::string();
  };
  info.bos = v.bos;
  info.bos_token = name(v.bos);
  info.eos_token = name(v.eos);
  info.chat_template = v.chat_template;
  if (v.eos) {
    info.eos.push_back(*v.eos);
  }
  for (size_t id = 0; id < std::min(v.tokens.size(), v.types.size()); ++id) {
    if (v.types[id] == 3 && ends_turn(v.tokens[id])) {
      info.add_eos(static_cast<int32_t>(id));
    }
  }
  return info;
}

} // namespace llm
