// SPDX-License-Identifier: MIT
//
// Encoding: from a text to ids. Words come back often, so what a word gave is
// remembered during one call.

#include "llm/core/utf8.h"
#include "llm/tokenizers/bpe.h"
#include "llm/tokenizers/byte_alphabet.h"
#include "llm/tokenizers/word_cache.h"

namespace llm {

/// One call of encode: the ids so far, and what words gave before.
class BpeTokenizer::Encoder {
 public:
  Encoder(const BpeTokenizer& tokenizer, size_t text_size)
      : tokenizer_(tokenizer), cache_(text_size) {}

  /** Text between the added tokens of the raw text. */
  void add_text(std::string_view piece, bool special, bool first) {
    if (!tokenizer_.normalizers_.empty()) {
      // Kept, because the cache points into it.
      piece = kept_.emplace_back(normalize(piece, tokenizer_.normalizers_));
    }
    tokenizer_.normalized_.split(
        piece, special, [&](std::string_view part, int32_t id) {
          if (id >= 0) {
            ids.push_back(id);
          } else {
            tokenizer_.pre_tokenizer_.split(
                part,
                first && part.data() == piece.data(),
                kept_,
                [&](std::string_view word) { add_word(word); });
          }
        });
  }

  std::vector<int32_t> ids;

 private:
  void add_word(std::string_view word) {
    if (tokenizer_.pre_tokenizer_.byte_level) {
      add_cached(word);
      return;
    }
    if (tokenizer_.parts_.ignore_merges) {
      if (const auto id = vocab_id(word)) {
        ids.push_back(*id);
        return;
      }
    }
    // Cut at seams: short words are quicker and come back more often.
    size_t begin = 0;
    char32_t left = 0;
    for (size_t at = 0; at < word.size();) {
      const size_t start = at;
      const char32_t right = next_code_point(word, at);
      if (start > begin && tokenizer_.is_seam(left, right)) {
        add_cached(word.substr(begin, start - begin));
        begin = start;
      }
      left = right;
    }
    add_cached(word.substr(begin));
  }

  void add_cached(std::string_view word) {
    if (word.size() == 1 && tokenizer_.pre_tokenizer_.byte_level) {
      const auto byte = static_cast<unsigned char>(word[0]);
      if (const int32_t id = tokenizer_.byte_ids_[byte]; id >= 0) {
        ids.push_back(id);
        return;
      }
    }
    WordCache::Entry& known = cache_.at(word);
    if (known.word == word) {
      for (size_t i = 0; i < known.count; ++i) {
        const int32_t id = ids[known.begin + i];
        ids.push_back(id);
      }
      return;
    }
    symbols_.clear();
    if (tokenizer_.pre_tokenizer_.byte_level) {
      add_bytes(word);
    } else {
      add_characters(word);
    }
    tokenizer_.merge_table_.apply(symbols_);
    known = {word, ids.size(), symbols_.size()};
    ids.insert(ids.end(), symbols_.begin(), symbols_.end());
  }

  /// The symbols of a word of bytes.
  void add_bytes(std::string_view word) {
    if (tokenizer_.parts_.ignore_merges) {
      if (const auto id = vocab_id(token_of_bytes(word))) {
        symbols_.push_back(*id);
        return;
      }
    }
    for (char byte : word) {
      add_byte(byte, symbols_);
    }
  }

  void add_byte(char byte, std::vector<int32_t>& out) {
    const int32_t id = tokenizer_.byte_ids_[static_cast<unsigned char>(byte)];
    if (id >= 0) {
      out.push_back(id);
    } else if (const auto unk = tokenizer_.parts_.unk) {
      add_unknown(*unk, out);
    }
  }

  void add_unknown(int32_t unk, std::vector<int32_t>& out) {
    if (!tokenizer_.parts_.fuse_unk || out.empty() || out.back() != unk) {
      out.push_back(unk);
    }
  }

  /// The symbols of a word of characters.
  void add_characters(std::string_view word) {
    for (size_t at = 0; at < word.size();) {
      const size_t start = at;
      const auto known =
          tokenizer_.character_ids_.find(next_code_point(word, at));
      if (known != tokenizer_.character_ids_.end()) {
        symbols_.push_back(known->second);
      } else if (tokenizer_.parts_.byte_fallback) {
        for (char byte : word.substr(start, at - start)) {
          add_byte(byte, symbols_);
        }
      } else {
        add_unknown(*tokenizer_.parts_.unk, symbols_);
      }
    }
  }

  std::optional<int32_t> vocab_id(std::string_view token) const {
    const auto id = tokenizer_.token_id(token);
    const bool known = id && tokenizer_.in_vocab_[static_cast<size_t>(*id)];
    return known ? id : std::nullopt;
  }

  const BpeTokenizer& tokenizer_;
  std::deque<std::string> kept_;
  WordCache cache_;
  std::vector<int32_t> symbols_;
};

std::vector<int32_t> BpeTokenizer::encode(
    std::string_view text,
    EncodeOptions options) const {
  check_text(text);
  Encoder encoder(*this, text.size());
  if (options.add_special) {
    encoder.ids = post_processor_.before;
  }
  raw_.split(text, options.special, [&](std::string_view piece, int32_t id) {
    if (id >= 0) {
      encoder.ids.push_back(id);
    } else {
      encoder.add_text(piece, options.special, piece.data() == text.data());
    }
  });
  if (options.add_special) {
    const std::vector<int32_t>& after = post_processor_.after;
    encoder.ids.insert(encoder.ids.end(), after.begin(), after.end());
  }
  return std::move(encoder.ids);
}

} // namespace llm
