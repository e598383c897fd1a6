// SPDX-License-Identifier: MIT
//
// The two halves of BPE that work on numbers alone: learning merges from
// counted words, and applying them to one word. Both are those of Hugging
// Face's `tokenizers`, so that the ids agree.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace llm {

/** Tokens `left` and `right`, side by side, become the token `result`. */
struct BpeMerge {
  int32_t left = 0;
  int32_t right = 0;
  int32_t result = 0;
  bool operator==(const BpeMerge&) const = default;
};

/** A word as token ids, and how often the text has it. */
struct CountedWord {
  std::vector<int32_t> symbols;
  int64_t count = 0;
};

/**
 * Appends tokens to `tokens` until there are `vocab_size` or no pair is left;
 * returns the merges, earliest first. Each step merges the most frequent pair;
 * of equally frequent pairs the one with the smaller ids. A merge that makes a
 * token which exists already (a special token) uses its id.
 * Time: a step visits only the words that hold the pair.
 */
std::vector<BpeMerge> learn_merges(
    std::vector<CountedWord> words,
    std::vector<std::string>& tokens,
    int vocab_size,
    const std::function<void(int, int)>& progress = {});

/** Pair -> merge, in an open-addressed table: encoding looks up little else. */
class MergeTable {
 public:
  MergeTable() = default;
  explicit MergeTable(const std::vector<BpeMerge>& merges);

  static constexpr uint64_t empty = UINT64_MAX; ///< no id is negative
  struct Entry {
    uint64_t key = empty; ///< left << 32 | right
    int32_t rank = 0;     ///< place in the list of merges
    int32_t result = 0;
  };
  /** The merge of (left, right), or nullptr. */
  const Entry* find(int32_t left, int32_t right) const {
    const uint64_t key = key_of(left, right);
    size_t slot = place(key);
    while (slots_[slot].key != key) {
      if (slots_[slot].key == empty) {
        return nullptr;
      }
      slot = (slot + 1) & (slots_.size() - 1);
    }
    return &slots_[slot];
  }

  /** Merges `symbols` in place until none applies. Time n log n. */
  void apply(std::vector<int32_t>& symbols) const;

 private:
  static uint64_t key_of(int32_t left, int32_t right) {
    return (uint64_t(uint32_t(left)) << 32) | uint32_t(right);
  }
  size_t place(uint64_t key) const {
    // Fibonacci hashing: the high bits of the product are well mixed.
    return (key * 0x9e3779b97f4a7c15ull >> 32) & (slots_.size() - 1);
  }
  void apply_short(std::vector<int32_t>& symbols) const;
  void apply_long(std::vector<int32_t>& symbols) const;

  std::vector<Entry> slots_{
      Entry{},
      Entry{}}; ///< a power of two, at most half full
};

} // namespace llm
