// SPDX-License-Identifier: MIT
//
// Finds added tokens in a text: at each place the longest one that fits, from
// left to right. Special ones ("<|endoftext|>") count only when asked for; the
// others are found always. The tokens are kept in a trie of bytes, so a text of
// n bytes takes at most n times the longest token, however many there are.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace llm {

/** A token that is found before the text is cut into words. */
struct AddedToken {
  int32_t id = 0;
  bool special = true;
  bool lstrip = false;      ///< takes the white space before it along
  bool rstrip = false;      ///< and that behind it
  bool single_word = false; ///< only when no letter or digit touches it
  bool normalized = false;  ///< looked for in the normalized text
  bool in_vocab = true;     ///< model.vocab has it too
};

class SpecialTokens {
 public:
  /** Adds a token; `content` is not empty. A second one with it is ignored. */
  void add(std::string_view content, const AddedToken& token);

  /** A piece of a text: `id` is -1 for ordinary text. */
  using Piece = std::function<void(std::string_view piece, int32_t id)>;

  /**
   * Calls `piece` for every added token and every text between them. Special
   * tokens are ordinary text unless `special`.
   */
  void split(std::string_view text, bool special, const Piece& piece) const;

 private:
  struct Match {
    size_t length = 0;
    int32_t index = -1; // in tokens_
  };
  Match longest_at(std::string_view text, size_t position) const;

  std::vector<AddedToken> tokens_;
  bool all_special_ = true;
  /// (node * 256 + byte) -> node; node 0 is the root.
  std::unordered_map<uint64_t, uint32_t> edges_;
  std::vector<int32_t> ends_ = {-1}; ///< token that ends at a node, or -1
  bool first_[256] = {};             ///< bytes with which a token begins
};

} // namespace llm
