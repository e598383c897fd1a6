// SPDX-License-Identifier: MIT

#include "llm/tokenizers/char.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "llm/core/error.h"
#include "llm/core/utf8.h"
#include "llm/tokenizers/char_json.h"

namespace llm {
namespace {

constexpr const char* any_character = "[\\s\\S]";
constexpr size_t named_characters = 10; // in one error message

/// "'é' (U+00E9)"
std::string name_character(char32_t character) {
  char code[16];
  std::snprintf(code, sizeof(code), "U+%04X", static_cast<unsigned>(character));
  const std::string shown = escape_text(encode_utf8({&character, 1}));
  return "'" + shown + "' (" + code + ")";
}

} // namespace

CharTokenizer CharTokenizer::train(std::string_view text) {
  const std::u32string characters = decode_utf8(text);
  if (characters.empty()) {
    throw InputError(
        "char tokenizer",
        "expected a text to take the characters from but received an empty "
        "one; choose another file.");
  }
  const std::set<char32_t> distinct(characters.begin(), characters.end());
  return CharTokenizer({distinct.begin(), distinct.end()});
}

CharTokenizer::CharTokenizer(std::vector<char32_t> characters)
    : characters_(std::move(characters)) {
  for (size_t id = 0; id < characters_.size(); ++id) {
    const char32_t character = characters_[id];
    if (!ids_.emplace(character, static_cast<int32_t>(id)).second) {
      throw InputError(
          "char tokenizer",
          "expected distinct characters but received " +
              name_character(character) + " twice; remove one.");
    }
  }
}

std::vector<int32_t> CharTokenizer::encode(std::string_view text, EncodeOptions)
    const {
  check_text(text);
  std::vector<int32_t> ids;
  ids.reserve(text.size());
  for (char32_t character : decode_utf8(text)) {
    const auto known = ids_.find(character);
    if (known == ids_.end()) {
      unknown_characters(text);
    }
    ids.push_back(known->second);
  }
  return ids;
}

void CharTokenizer::unknown_characters(std::string_view text) const {
  std::vector<char32_t> unknown; // distinct, in the order of the text
  for (char32_t character : decode_utf8(text)) {
    if (!ids_.contains(character) &&
        std::find(unknown.begin(), unknown.end(), character) == unknown.end()) {
      unknown.push_back(character);
      if (unknown.size() > named_characters) {
        break;
      }
    }
  }
  std::string message = "unknown character";
  message += unknown.size() > 1 ? "s " : " ";
  for (size_t i = 0; i < unknown.size() && i < named_characters; ++i) {
    message += (i > 0 ? ", " : "") + name_character(unknown[i]);
  }
  message += unknown.size() > named_characters ? ", ..." : "";
  const std::u32string known(characters_.begin(), characters_.end());
  message += "; the model knows: " + quote(encode_utf8(known), 120) +
      "; remove or replace what it does not know.";
  throw InputError("char tokenizer", message);
}

std::string CharTokenizer::decode_bytes(int32_t id) const {
  check_id(id);
  return encode_utf8({&characters_[static_cast<size_t>(id)], 1});
}

int CharTokenizer::vocab_size() const {
  return static_cast<int>(characters_.size());
}

std::string CharTokenizer::token(int32_t id) const {
  return decode_bytes(id);
}

std::optional<int32_t> CharTokenizer::token_id(std::string_view token) const {
  if (token.empty() || token.size() > 4 || find_utf8_error(token)) {
    return std::nullopt;
  }
  const std::u32string characters = decode_utf8(token);
  const auto known = ids_.find(characters[0]);
  if (characters.size() != 1 || known == ids_.end()) {
    return std::nullopt;
  }
  return known->second;
}

Json CharTokenizer::to_json() const {
  Json vocab = Json::object();
  auto& members = vocab.get_ref<Json::object_t&>();
  for (int32_t id = 0; id < vocab_size(); ++id) {
    members.emplace_back(token(id), id); // operator[] searches
  }
  return {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", Json::array()},
      {"normalizer", nullptr},
      {"pre_tokenizer",
       {{"type", "Split"},
        {"pattern", {{"Regex", any_character}}},
        {"behavior", "Isolated"},
        {"invert", false}}},
      {"post_processor", nullptr},
      {"decoder", {{"type", "Fuse"}}},
      {"model",
       {{"type", "WordLevel"},
        {"vocab", std::move(vocab)},
        {"unk_token", "<unk>"}}}}; // the format wants a name; it is no token
}

std::unique_ptr<Tokenizer> read_char(const JsonNode& root) {
  const JsonNode added = root["added_tokens"];
  if (!added.is_null() && added.array_size() > 0) {
    added.at(0).fail(
        "added tokens are not supported with characters; remove them.");
  }
  root["normalizer"].expect_null();
  root["post_processor"].expect_null();
  const JsonNode split = root["pre_tokenizer"];
  split["type"].expect("Split");
  split["pattern"]["Regex"].expect(any_character);
  split["behavior"].expect("Isolated");
  split["invert"].expect(false);
  root["decoder"]["type"].expect("Fuse");

  const JsonNode model = root["model"];
  model.expect_keys({"type", "vocab", "unk_token"});
  const auto& vocab = model["vocab"].object();
  if (vocab.empty()) {
    model["vocab"].fail("expected one or more characters.");
  }
  const auto last = static_cast<int64_t>(vocab.size()) - 1;
  std::vector<char32_t> characters(vocab.size());
  std::vector<bool> taken(vocab.size());
  for (const auto& [token, value] : vocab) {
    const JsonNode node = model["vocab"].child(token, value);
    const std::u32string character = decode_utf8(token);
    if (character.size() != 1) {
      node.fail("expected a token of one character; use such a tokenizer.");
    }
    const auto id = static_cast<size_t>(node.integer(0, last));
    if (taken[id]) {
      node.fail(
          "the id " + std::to_string(id) + " belongs to " +
          name_character(characters[id]) +
          " already; give each token its own id.");
    }
    taken[id] = true;
    characters[id] = character[0];
  }
  return std::make_unique<CharTokenizer>(std::move(characters));
}

} // namespace llm
