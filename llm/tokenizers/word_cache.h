// SPDX-License-Identifier: MIT
//
// What words gave before, during one call of encode: most words of a text have
// come already. Every word has one place, which follows from its bytes, and
// displaces what is there; so the memory is bounded, nothing is allocated for a
// word, and words that were chosen to meet in one place only cost a merge more.
// Bought over std::unordered_map: encoding 1.15 times as fast, 1.7 times where
// no word comes back.

#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <string_view>
#include <vector>

namespace llm {

class WordCache {
 public:
  /** The tokens of a word: `count` ids from `begin` on in the ids so far. */
  struct Entry {
    std::string_view word; ///< points into the text
    size_t begin = 0;
    size_t count = 0;
  };

  /** A place for every eighth byte of a text, which is every second word. */
  explicit WordCache(size_t text_size)
      : entries_(std::bit_ceil(
            std::clamp(text_size / 8, size_t{16}, most_entries))) {}

  /** The place of `word`; another word, or none, may be there. */
  Entry& at(std::string_view word) {
    return entries_[hash(word) & (entries_.size() - 1)];
  }

 private:
  static constexpr size_t most_entries = 1 << 14; // 512 KB, in the L2 cache

  static size_t hash(std::string_view word) {
    uint64_t hash = word.size();
    uint64_t chunk = 0; // 8 bytes
    for (size_t i = 0; i < word.size(); ++i) {
      chunk = chunk << 8 | static_cast<unsigned char>(word[i]);
      if (i % 8 == 7) {
        hash = mix(hash ^ chunk);
      }
    }
    return mix(hash ^ chunk);
  }

  static uint64_t mix(uint64_t value) {
    value *= 0x9e3779b97f4a7c15ull; // as MergeTable; high bits are well mixed
    return value ^ (value >> 32);
  }

  std::vector<Entry> entries_;
};

} // namespace llm
