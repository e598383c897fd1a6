// SPDX-License-Identifier: MIT

#include "llm/tokenizers/bpe.h"

#include <algorithm>
#include <deque>
#include <set>

#include "llm/core/error.h"
#include "llm/core/utf8.h"
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
  parts.normal_form = options.normal_form;
  parts.pattern = options.pattern;
  check_vocab_size(options.vocab_size, parts.tokens.size());

  SpecialTokens special;
  for (const std::string& token : options.special_tokens) {
    const auto id = static_cast<int32_t>(parts.special.size());
    parts.special.push_back(id);
    special.add(token, id);
  }
  const Splitter splitter(options.pattern);
  WordCounter counter(parts.tokens);
  special.split(text, [&](std::string_view piece, int32_t id) {
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

BpeTokenizer::BpeTokenizer(Parts parts)
    : parts_(std::move(parts)), splitter_(parts_.pattern) {
  check_normal_form(parts_.normal_form);
  byte_ids_.assign(256, -1);
  for (size_t i = 0; i < parts_.tokens.size(); ++i) {
    const auto id = static_cast<int32_t>(i);
    const std::string& token = parts_.tokens[i];
    if (!ids_.emplace(token, id).second) {
      throw InputError(
          parts_.where, "the token " + quote(token) + " exists twice.");
    }
    bytes_.push_back(bytes_of_token(token));
  }
  for (size_t byte = 0; byte < 256; ++byte) {
    const auto known = ids_.find(byte_alphabet()[byte]);
    if (known == ids_.end()) {
      throw InputError(
          parts_.where,
          "model.vocab: expected a token for each byte but " +
              quote(byte_alphabet()[byte]) +
              " is missing; use a byte-level tokenizer.");
    }
    byte_ids_[byte] = known->second;
  }
  for (int32_t id : parts_.special) {
    special_.add(parts_.tokens.at(static_cast<size_t>(id)), id);
  }
  merge_table_ = MergeTable(parts_.merges);
}

/// One call of encode: the ids so far, and what words gave before.
class BpeTokenizer::Encoder {
 public:
  explicit Encoder(const BpeTokenizer& tokenizer) : tokenizer_(tokenizer) {}

  void add_text(std::string_view piece) {
    const Parts& parts = tokenizer_.parts_;
    if (!parts.normal_form.empty()) {
      // Kept, because the cache points into it.
      piece = normalized_.emplace_back(normalize(piece, parts.normal_form));
    }
    tokenizer_.splitter_.split(
        piece, [&](std::string_view word) { add_word(word); });
  }

  std::vector<int32_t> ids;

 private:
  struct Known {
    size_t begin; // in `ids`
    size_t count;
  };

  void add_word(std::string_view word) {
    if (word.size() == 1) {
      ids.push_back(tokenizer_.byte_ids_[static_cast<unsigned char>(word[0])]);
      return;
    }
    const auto [known, is_new] = cache_.try_emplace(word, Known{ids.size(), 0});
    if (!is_new) {
      for (size_t i = 0; i < known->second.count; ++i) {
        const int32_t id = ids[known->second.begin + i];
        ids.push_back(id);
      }
      return;
    }
    symbols_.clear();
    for (char byte : word) {
      symbols_.push_back(
          tokenizer_.byte_ids_[static_cast<unsigned char>(byte)]);
    }
    tokenizer_.merge_table_.apply(symbols_);
    known->second.count = symbols_.size();
    ids.insert(ids.end(), symbols_.begin(), symbols_.end());
  }

  const BpeTokenizer& tokenizer_;
  std::deque<std::string> normalized_;
  std::unordered_map<std::string_view, Known> cache_;
  std::vector<int32_t> symbols_;
};

std::vector<int32_t> BpeTokenizer::encode(
    std::string_view text,
    EncodeOptions options) const {
  check_text(text);
  Encoder encoder(*this);
  if (!options.special) {
    encoder.add_text(text);
    return std::move(encoder.ids);
  }
  special_.split(text, [&](std::string_view piece, int32_t id) {
    if (id >= 0) {
      encoder.ids.push_back(id);
    } else {
      encoder.add_text(piece);
    }
  });
  return std::move(encoder.ids);
}

std::string BpeTokenizer::decode_bytes(int32_t id) const {
  check_id(id);
  return bytes_[static_cast<size_t>(id)];
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
  std::vector<int32_t> ids = parts_.special;
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::optional<int32_t> BpeTokenizer::eos_id() const {
  const auto& special = parts_.special;
  for (int32_t id : special) {
    if (token(id) == "<|endoftext|>") {
      return id;
    }
  }
  return special.size() == 1 ? std::optional(special[0]) : std::nullopt;
}

} // namespace llm
