// SPDX-License-Identifier: MIT

#include "llm/tokenizers/bpe.h"

#include <algorithm>

#include "llm/core/error.h"
#include "llm/core/utf8.h"
#include "llm/tokenizers/byte_alphabet.h"

namespace llm {
namespace {

uint64_t joint(char32_t left, char32_t right) {
  return (uint64_t{left} << 32) | right;
}

} // namespace

BpeTokenizer::BpeTokenizer(Parts parts) : parts_(std::move(parts)) {
  const JsonNode pipeline(parts_.pipeline, parts_.where);
  normalizers_ = read_normalizers(pipeline["normalizer"]);
  decoder_ = read_decoder(pipeline["decoder"]);
  pre_tokenizer_ = read_pre_tokenizer(pipeline["pre_tokenizer"]);
  post_processor_ =
      read_post_processor(pipeline["post_processor"], parts_.tokens.size());
  if (pre_tokenizer_.byte_level != decoder_.byte_level) {
    pipeline["pre_tokenizer"].fail(
        "expected ByteLevel here and in the decoder, or in neither; correct "
        "the file.");
  }
  if (decoder_.byte_level && parts_.byte_fallback) {
    throw InputError(
        parts_.where,
        "model.byte_fallback: expected false beside ByteLevel; correct the "
        "file.");
  }
  for (size_t i = 0; i < parts_.tokens.size(); ++i) {
    const std::string& token = parts_.tokens[i];
    if (!ids_.emplace(token, static_cast<int32_t>(i)).second) {
      throw InputError(
          parts_.where, "the token " + quote(token) + " exists twice.");
    }
    bytes_.push_back(decoder_.bytes(token, false));
  }
  in_vocab_.assign(parts_.tokens.size(), true);
  add_added_tokens();
  find_bytes();
  find_characters();
  merge_table_ = MergeTable(parts_.merges);
}

void BpeTokenizer::add_added_tokens() {
  for (const AddedToken& added : parts_.added) {
    const auto index = static_cast<size_t>(added.id);
    const std::string& content = parts_.tokens.at(index);
    in_vocab_[index] = added.in_vocab;
    if (!added.normalized) {
      raw_.add(content, added);
      continue;
    }
    // Such a token is looked for in normalized text, so in that form.
    const std::string normal = normalize(content, normalizers_);
    if (!normal.empty()) {
      normalized_.add(normal, added);
      bytes_[index] = decoder_.bytes(normal, false); // what it stood for
      first_bytes_[added.id] = decoder_.bytes(normal, true);
    }
  }
}

/// Fills byte_ids_ and checks that text can be written with the tokens.
void BpeTokenizer::find_bytes() {
  byte_ids_.assign(256, -1);
  const bool bytes = pre_tokenizer_.byte_level;
  for (size_t byte = 0; byte < 256; ++byte) {
    const std::string token = bytes
        ? byte_alphabet()[byte]
        : fallback_token(static_cast<unsigned char>(byte));
    const auto known = ids_.find(token);
    if (known != ids_.end()) {
      byte_ids_[byte] = known->second;
      continue;
    }
    // Other people's tokenizers lack bytes that were not in their text, such
    // as control characters; SmolLM2 does. They drop those, so this one does.
    const bool needed = bytes ? (byte >= ' ' && byte <= '~') || byte == '\n'
                              : parts_.byte_fallback;
    if (needed) {
      throw InputError(
          parts_.where,
          "model.vocab: expected a token for each byte but " + quote(token) +
              " is missing; use a complete vocabulary.");
    }
  }
  if (!bytes && !parts_.byte_fallback && !parts_.unk) {
    throw InputError(
        parts_.where,
        "model.unk_token: expected a token for unknown characters, or "
        "byte_fallback, but received neither; use such a tokenizer.");
  }
}

void BpeTokenizer::find_characters() {
  if (pre_tokenizer_.byte_level) {
    return;
  }
  std::vector<std::pair<char32_t, char32_t>> ends; // first and last character
  for (size_t i = 0; i < parts_.tokens.size(); ++i) {
    const std::u32string characters = decode_utf8(parts_.tokens[i]);
    ends.emplace_back(characters.front(), characters.back());
    if (characters.size() == 1 && in_vocab_[i]) {
      character_ids_.emplace(characters[0], static_cast<int32_t>(i));
    }
  }
  has_seams_ = !parts_.fuse_unk || parts_.byte_fallback;
  for (const BpeMerge& merge : parts_.merges) {
    for (int32_t id : {merge.left, merge.right}) {
      // A byte's token does not end with the characters that it has.
      has_seams_ = has_seams_ && id != parts_.unk &&
          !byte_of_token(parts_.tokens[static_cast<size_t>(id)]);
    }
    joints_.insert(joint(
        ends[static_cast<size_t>(merge.left)].second,
        ends[static_cast<size_t>(merge.right)].first));
  }
}

bool BpeTokenizer::is_seam(char32_t left, char32_t right) const {
  return has_seams_ && !joints_.contains(joint(left, right));
}

std::string BpeTokenizer::decode_bytes(int32_t id) const {
  check_id(id);
  return bytes_[static_cast<size_t>(id)];
}

std::string BpeTokenizer::decode_first(int32_t id) const {
  const auto known = first_bytes_.find(id);
  return known == first_bytes_.end() ? decoder_.bytes(token(id), true)
                                     : known->second;
}

int BpeTokenizer::vocab_size() const {
  return static_cast<int>(parts_.tokens.size());
}

std::string BpeTokenizer::token(int32_t id) const {
  check_id(id);
  return parts_.tokens[static_cast<size_t>(id)];
}

std::optional<int32_t> BpeTokenizer::token_id(std::string_view token) const {
  const auto known = ids_.find(std::string(token));
  return known == ids_.end() ? std::nullopt : std::optional(known->second);
}

std::vector<int32_t> BpeTokenizer::special_ids() const {
  std::vector<int32_t> ids;
  for (const AddedToken& token : parts_.added) {
    if (token.special) {
      ids.push_back(token.id);
    }
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::optional<int32_t> BpeTokenizer::eos_id() const {
  const auto special = special_ids();
  for (int32_t id : special) {
    if (token(id) == "<|endoftext|>") {
      return id;
    }
  }
  return special.size() == 1 ? std::optional(special[0]) : std::nullopt;
}

} // namespace llm
