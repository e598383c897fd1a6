// SPDX-License-Identifier: MIT
//
// One token per Unicode character (code point): the smallest vocabulary and
// the longest sequences. Ids follow the order of the code points.
// In tokenizer.json it is a WordLevel model behind a Split that cuts after
// every character ([\s\S] also matches a newline), and the decoder Fuse, which
// joins the tokens without spaces. WordLevel without an unknown token refuses
// a character it does not know; BPE without merges would drop it in silence.

#pragma once

#include <unordered_map>

#include "llm/tokenizers/tokenizer.h"

namespace llm {

class CharTokenizer : public Tokenizer {
 public:
  /** The distinct characters of `text`, sorted. Throws InputError when `text`
   * is empty or not UTF-8. */
  static CharTokenizer train(std::string_view text);

  /** `characters[id]` is the token `id`: distinct, each one Unicode scalar. */
  explicit CharTokenizer(std::vector<char32_t> characters);

  std::vector<int32_t> encode(std::string_view text, EncodeOptions options = {})
      const override;
  std::string decode_bytes(int32_t id) const override;
  int vocab_size() const override;
  std::string token(int32_t id) const override;
  std::optional<int32_t> token_id(std::string_view token) const override;
  Json to_json() const override;
  std::string kind() const override {
    return "char";
  }

 private:
  [[noreturn]] void unknown_characters(std::string_view text) const;

  std::vector<char32_t> characters_;
  std::unordered_map<char32_t, int32_t> ids_;
};

} // namespace llm
