// SPDX-License-Identifier: MIT
//
// Byte-pair encoding (BPE): the text is normalized, cut into words, and in each
// word the neighbours that were merged earliest in training are merged first,
// until no pair of neighbours has a merge. A word begins as bytes (GPT-2, Llama
// 3, Qwen, SmolLM2) or as characters (Llama 2, Mistral, Gemma: SentencePiece's
// way; a character without a token becomes its bytes, "<0xE2>").
// Paper: Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words
// with Subword Units", 2016; bytes: Radford et al. 2019 (GPT-2).

#pragma once

#include <functional>
#include <unordered_set>

#include "llm/tokenizers/bpe_merges.h"
#include "llm/tokenizers/pipeline.h"
#include "llm/tokenizers/special_tokens.h"
#include "llm/tokenizers/tokenizer.h"

namespace llm {

struct BpeOptions {
  int vocab_size = 4096; ///< special tokens + 256 bytes + merges
  std::vector<std::string> special_tokens = {"<|endoftext|>"};
  std::string normal_form = ""; ///< "", "NFC", "NFD", "NFKC" or "NFKD"
  std::string pattern = std::string(gpt2_pattern);
};

/** Bytes that a special token may have. */
inline constexpr size_t longest_special = 1024;

/** Called with (tokens so far, tokens wanted) during training. */
using BpeProgress = std::function<void(int, int)>;

class BpeTokenizer : public Tokenizer {
 public:
  /**
   * Learns merges from `text` (UTF-8) until `vocab_size` tokens exist or no
   * pair is left. Ids: special tokens, the 256 bytes, then the merges in order.
   * Each step merges the most frequent pair; of equally frequent pairs the one
   * with the smaller ids (first, then second). These are the merges and ids of
   * Hugging Face's BpeTrainer with the ByteLevel alphabet. Special tokens that
   * stand in `text` separate words and are not learned from.
   */
  static BpeTokenizer train(
      std::string_view text,
      const BpeOptions& options = {},
      const BpeProgress& progress = {});

  /** The parts of a trained tokenizer; checked, throws InputError. */
  struct Parts {
    std::vector<std::string> tokens; ///< [id], as tokenizer.json writes them
    std::vector<BpeMerge> merges;    ///< earliest first
    std::vector<AddedToken> added;
    /// "normalizer", "pre_tokenizer", "post_processor" and "decoder" as
    /// tokenizer.json has them.
    Json pipeline;
    std::optional<int32_t> unk; ///< for characters without a token
    bool fuse_unk = false;      ///< one unk for several in a row
    bool byte_fallback = false; ///< bytes "<0x41>" instead of unk
    bool ignore_merges = false; ///< a word that is a token is that token
    std::string where = "bpe tokenizer"; ///< named in errors
  };
  explicit BpeTokenizer(Parts parts);

  std::vector<int32_t> encode(std::string_view text, EncodeOptions options = {})
      const override;
  std::string decode_bytes(int32_t id) const override;
  std::string decode_first(int32_t id) const override;
  int vocab_size() const override;
  std::string token(int32_t id) const override;
  std::optional<int32_t> token_id(std::string_view token) const override;
  std::vector<int32_t> special_ids() const override;
  std::optional<int32_t> eos_id() const override;
  Json to_json() const override;
  std::string kind() const override {
    return "bpe";
  }

  /** The merges, earliest first. */
  const std::vector<BpeMerge>& merges() const {
    return parts_.merges;
  }

 private:
  class Encoder;
  void add_added_tokens();
  void find_bytes();
  void find_characters();
  bool is_seam(char32_t left, char32_t right) const;

  Parts parts_;
  std::vector<Normalizer> normalizers_;
  PreTokenizer pre_tokenizer_;
  PostProcessor post_processor_;
  TokenDecoder decoder_;
  SpecialTokens raw_;        ///< added tokens to look for before normalizing
  SpecialTokens normalized_; ///< and after it
  MergeTable merge_table_;
  std::vector<std::string> bytes_; ///< [id], what decoding gives
  std::unordered_map<int32_t, std::string> first_bytes_; ///< where unusual
  std::vector<int32_t> byte_ids_; ///< (256): the token of each byte, or -1
  std::unordered_map<char32_t, int32_t> character_ids_;
  std::unordered_map<std::string, int32_t> ids_; ///< token -> id
  std::vector<bool> in_vocab_; ///< [id]: not only an added token
  /// SentencePiece's kind has no words: a text is one. But where no merge has
  /// `left` end with one character and `right` begin with the next, no token
  /// reaches across, so there a text can be cut and gives the same ids. These
  /// are the pairs (end, begin) that merges have.
  std::unordered_set<uint64_t> joints_;
  bool has_seams_ = false;
};

} // namespace llm
