// SPDX-License-Identifier: MIT
//
// Training a byte-level tokenizer: which words the text has, and the merges
// that learn_merges finds in them.

#include <algorithm>
#include <set>

#include "llm/core/error.h"
#include "llm/core/utf8.h"
#include "llm/tokenizers/bpe.h"
#include "llm/tokenizers/byte_alphabet.h"
#include "llm/tokenizers/normal_form.h"

namespace llm {
namespace {

constexpr const char* where = "bpe tokenizer";

/// The special tokens, then the 256 bytes.
std::vector<std::string> first_tokens(const std::vector<std::string>& special) {
  std::vector<std::string> tokens = special;
  for (unsigned char byte : bytes_in_alphabet_order()) {
    const std::string& token = byte_alphabet()[byte];
    if (std::find(special.begin(), special.end(), token) != special.end()) {
      throw UsageError(
          where,
          "expected special tokens of two or more characters but received " +
              quote(token) + "; choose a longer one, such as <|end|>.");
    }
    tokens.push_back(token);
  }
  return tokens;
}

void check_special(const std::vector<std::string>& special) {
  std::set<std::string> seen;
  for (const std::string& token : special) {
    const bool valid = !token.empty() && token.size() <= longest_special &&
        !find_utf8_error(token) && bytes_of_token(token) == token;
    if (!valid) {
      throw UsageError(
          where,
          "expected a special token of ordinary ASCII characters but "
          "received " +
              quote(token) + "; choose another, such as <|end|>.");
    }
    if (!seen.insert(token).second) {
      throw UsageError(
          where,
          "expected distinct special tokens but received " + quote(token) +
              " twice; remove one.");
    }
  }
}

void check_vocab_size(int wanted, size_t least) {
  if (wanted < static_cast<int>(least)) {
    throw UsageError(
        where,
        "expected a vocabulary of at least " + std::to_string(least) +
            " tokens (256 bytes and the special tokens) but received " +
            std::to_string(wanted) + "; choose a larger one.");
  }
}

/// Counts the words of a text as token ids; first come, first in the list.
class WordCounter {
 public:
  WordCounter(const std::vector<std::string>& tokens) {
    for (size_t id = 0; id < tokens.size(); ++id) {
      const std::string bytes = bytes_of_token(tokens[id]);
      if (bytes.size() == 1) {
        byte_ids_[static_cast<unsigned char>(bytes[0])] =
            static_cast<int32_t>(id);
      }
    }
  }

  void add(std::string_view word) {
    const auto [known, is_new] =
        index_.try_emplace(std::string(word), words.size());
    if (is_new) {
      CountedWord counted;
      for (char byte : word) {
        counted.symbols.push_back(byte_ids_[static_cast<unsigned char>(byte)]);
      }
      words.push_back(std::move(counted));
    }
    ++words[known->second].count;
  }

  std::vector<CountedWord> words;

 private:
  std::unordered_map<std::string, size_t> index_;
  int32_t byte_ids_[256] = {};
};

Json byte_level_json(bool use_regex, bool add_prefix_space) {
  return {
      {"type", "ByteLevel"},
      {"add_prefix_space", add_prefix_space},
      {"trim_offsets", true},
      {"use_regex", use_regex}};
}

/// The pipeline of a tokenizer that is trained here. (add_prefix_space and the
/// others mean nothing in a decoder; they are Hugging Face's defaults.)
Json byte_level_pipeline(const std::string& form, const std::string& pattern) {
  Json pre_tokenizer = byte_level_json(true, false);
  if (pattern != gpt2_pattern) {
    const Json split = {
        {"type", "Split"},
        {"pattern", {{"Regex", pattern}}},
        {"behavior", "Isolated"},
        {"invert", false}};
    pre_tokenizer = {
        {"type", "Sequence"},
        {"pretokenizers", Json::array({split, byte_level_json(false, false)})}};
  }
  return {
      {"normalizer", form.empty() ? Json() : Json{{"type", form}}},
      {"pre_tokenizer", pre_tokenizer},
      {"post_processor", nullptr},
      {"decoder", byte_level_json(true, true)}};
}

} // namespace

BpeTokenizer BpeTokenizer::train(
    std::string_view text,
    const BpeOptions& options,
    const BpeProgress& progress) {
  check_special(options.special_tokens);
  check_normal_form(options.normal_form);
  if (const auto error = find_utf8_error(text)) {
    decode_utf8(text.substr(0, error->offset + error->length)); // throws
  }
  Parts parts;
  parts.tokens = first_tokens(options.special_tokens);
  parts.pipeline = byte_level_pipeline(options.normal_form, options.pattern);
  check_vocab_size(options.vocab_size, parts.tokens.size());

  SpecialTokens special;
  for (const std::string& token : options.special_tokens) {
    const AddedToken added{static_cast<int32_t>(parts.added.size())};
    parts.added.push_back(added);
    special.add(token, added);
  }
  const Splitter splitter(options.pattern);
  WordCounter counter(parts.tokens);
  special.split(text, true, [&](std::string_view piece, int32_t id) {
    if (id < 0) {
      splitter.split(
          normalize(piece, options.normal_form),
          [&](std::string_view word) { counter.add(word); });
    }
  });
  parts.merges = learn_merges(
      std::move(counter.words), parts.tokens, options.vocab_size, progress);
  return BpeTokenizer(std::move(parts));
}

} // namespace llm
