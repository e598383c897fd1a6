// SPDX-License-Identifier: MIT
//
// Finds special tokens in a text: at each place the longest one that fits, from
// left to right. The tokens are kept in a trie of bytes, so a text of n bytes
// takes at most n times the longest token, however many tokens there are.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace llm {

class SpecialTokens {
 public:
  /** Adds a token; `content` is not empty and not there yet. */
  void add(std::string_view content, int32_t id);

  /** A piece of a text: `id` is -1 for ordinary text. */
  using Piece = std::function<void(std::string_view piece, int32_t id)>;

  /** Calls `piece` for every special token and every text between them. */
  void split(std::string_view text, const Piece& piece) const;

 private:
  struct Match {
    size_t length = 0;
    int32_t id = -1;
  };
  Match longest_at(std::string_view text, size_t position) const;

  /// (node * 256 + byte) -> node; node 0 is the root.
  std::unordered_map<uint64_t, uint32_t> edges_;
  std::vector<int32_t> ids_ = {-1}; ///< id that ends at a node, or -1
  bool first_[256] = {};            ///< bytes with which a token begins
};

} // namespace llm
