// SPDX-License-Identifier: MIT

#include <algorithm>

#include "llm/tokenizers/bpe_merges.h"

namespace llm {
namespace {

uint64_t pair_key(int32_t left, int32_t right) {
  return (uint64_t(uint32_t(left)) << 32) | uint32_t(right);
}

/// A pair, how often it stood side by side when this was written, and the
/// words in which it came up.
struct Candidate {
  int64_t count;
  uint64_t key;
  std::vector<uint32_t> words;
};

/// Heap order: the highest count on top, then the smallest pair.
bool comes_later(const Candidate& a, const Candidate& b) {
  return a.count != b.count ? a.count < b.count : a.key > b.key;
}

/// Counts of pairs that follow every merge, and a heap of candidates. A count
/// in the heap may be too high (a merge took occurrences away): it is corrected
/// when the candidate reaches the top. It is never too low.
class PairQueue {
 public:
  void add(int32_t left, int32_t right, int64_t count, uint32_t word) {
    const uint64_t key = pair_key(left, right);
    counts_[key] += count;
    if (count > 0) {
      auto& words = fresh_[key];
      if (words.empty() || words.back() != word) {
        words.push_back(word);
      }
    }
  }

  /** Makes candidates of the pairs that were added. */
  void flush() {
    for (auto& [key, words] : fresh_) {
      const int64_t count = counts_[key];
      if (count > 0) {
        push({count, key, std::move(words)});
      }
    }
    fresh_.clear();
  }

  /** Takes the most frequent pair; false when none is left. */
  bool pop(Candidate& top) {
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), comes_later);
      top = std::move(heap_.back());
      heap_.pop_back();
      const int64_t count = counts_[top.key];
      if (count == top.count) {
        return true;
      }
      if (count > 0) {
        top.count = count;
        push(std::move(top));
      }
    }
    return false;
  }

 private:
  void push(Candidate&& candidate) {
    heap_.push_back(std::move(candidate));
    std::push_heap(heap_.begin(), heap_.end(), comes_later);
  }

  std::unordered_map<uint64_t, int64_t> counts_;
  std::unordered_map<uint64_t, std::vector<uint32_t>> fresh_;
  std::vector<Candidate> heap_;
};

/// Merges every (left, right) in the word, from left to right, and tells
/// `queue` which pairs went and came. The count of the pair itself is left
/// alone: it is not looked at again.
void merge_in_word(
    CountedWord& word,
    uint32_t index,
    const BpeMerge& merge,
    PairQueue& queue) {
  auto& symbols = word.symbols;
  size_t out = 0;
  for (size_t i = 0; i < symbols.size(); ++out) {
    const bool found = symbols[i] == merge.left && i + 1 < symbols.size() &&
        symbols[i + 1] == merge.right;
    if (!found) {
      symbols[out] = symbols[i++];
      continue;
    }
    if (out > 0) {
      queue.add(symbols[out - 1], merge.left, -word.count, index);
      queue.add(symbols[out - 1], merge.result, word.count, index);
    }
    i += 2;
    if (i < symbols.size()) {
      queue.add(merge.right, symbols[i], -word.count, index);
      queue.add(merge.result, symbols[i], word.count, index);
    }
    symbols[out] = merge.result;
  }
  symbols.resize(out);
}

} // namespace

std::vector<BpeMerge> learn_merges(
    std::vector<CountedWord> words,
    std::vector<std::string>& tokens,
    int vocab_size,
    const std::function<void(int, int)>& progress) {
  std::unordered_map<std::string, int32_t> ids;
  for (size_t id = 0; id < tokens.size(); ++id) {
    ids.emplace(tokens[id], static_cast<int32_t>(id));
  }
  PairQueue queue;
  for (uint32_t w = 0; w < words.size(); ++w) {
    const auto& symbols = words[w].symbols;
    for (size_t i = 1; i < symbols.size(); ++i) {
      queue.add(symbols[i - 1], symbols[i], words[w].count, w);
    }
  }
  queue.flush();

  std::vector<BpeMerge> merges;
  Candidate top;
  while (tokens.size() < size_t(vocab_size) && queue.pop(top)) {
    BpeMerge merge{int32_t(top.key >> 32), int32_t(uint32_t(top.key)), 0};
    const std::string token = tokens[merge.left] + tokens[merge.right];
    const auto [known, is_new] = ids.emplace(token, int32_t(tokens.size()));
    if (is_new) {
      tokens.push_back(token);
    }
    merge.result = known->second;
    merges.push_back(merge);
    for (uint32_t w : top.words) {
      merge_in_word(words[w], w, merge, queue);
    }
    queue.flush();
    if (progress) {
      progress(static_cast<int>(tokens.size()), vocab_size);
    }
  }
  return merges;
}

} // namespace llm
