// SPDX-License-Identifier: MIT

#include "llm/tokenizers/bpe_merges.h"

#include <queue>

namespace llm {
namespace {

uint64_t pair_key(int32_t left, int32_t right) {
  return (uint64_t(uint32_t(left)) << 32) | uint32_t(right);
}

} // namespace

MergeTable::MergeTable(const std::vector<BpeMerge>& merges) {
  size_t size = 2;
  while (size < 2 * merges.size()) {
    size *= 2;
  }
  slots_.resize(size);
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const uint64_t key = pair_key(merges[rank].left, merges[rank].right);
    size_t slot = place(key);
    while (slots_[slot].key != empty && slots_[slot].key != key) {
      slot = (slot + 1) & (slots_.size() - 1);
    }
    slots_[slot] = {key, static_cast<int32_t>(rank), merges[rank].result};
  }
}

size_t MergeTable::place(uint64_t key) const {
  // Fibonacci hashing: the high bits of the product are well mixed.
  return (key * 0x9e3779b97f4a7c15ull >> 32) & (slots_.size() - 1);
}

const MergeTable::Entry* MergeTable::find(int32_t left, int32_t right) const {
  const uint64_t key = pair_key(left, right);
  size_t slot = place(key);
  while (slots_[slot].key != key) {
    if (slots_[slot].key == empty) {
      return nullptr;
    }
    slot = (slot + 1) & (slots_.size() - 1);
  }
  return &slots_[slot];
}

void MergeTable::apply(std::vector<int32_t>& symbols) const {
  // Looking for the best pair again after every merge is quadratic, but the
  // faster way for words of ordinary length.
  constexpr size_t long_word = 48;
  if (symbols.size() < long_word) {
    apply_short(symbols);
  } else {
    apply_long(symbols);
  }
}

void MergeTable::apply_short(std::vector<int32_t>& symbols) const {
  constexpr size_t max_length = 48;
  const Entry* entries[max_length]; // [i]: the merge of symbols i and i + 1
  size_t n = symbols.size();
  for (size_t i = 0; i + 1 < n; ++i) {
    entries[i] = find(symbols[i], symbols[i + 1]);
  }
  while (n > 1) {
    size_t best = n;
    for (size_t i = 0; i + 1 < n; ++i) {
      if (entries[i] && (best == n || entries[i]->rank < entries[best]->rank)) {
        best = i;
      }
    }
    if (best == n) {
      break;
    }
    symbols[best] = entries[best]->result;
    for (size_t i = best + 1; i + 1 < n; ++i) {
      symbols[i] = symbols[i + 1];
      entries[i] = entries[i + 1];
    }
    --n;
    if (best > 0) {
      entries[best - 1] = find(symbols[best - 1], symbols[best]);
    }
    entries[best] =
        best + 1 < n ? find(symbols[best], symbols[best + 1]) : nullptr;
  }
  symbols.resize(n);
}

void MergeTable::apply_long(std::vector<int32_t>& symbols) const {
  // A linked list of symbols and a heap of possible merges, lowest rank first,
  // then leftmost. An entry is out of date when its pair is no longer there.
  struct Step {
    int32_t rank;
    uint32_t position;
    uint64_t key;
    bool operator>(const Step& other) const {
      return rank != other.rank ? rank > other.rank : position > other.position;
    }
  };
  const auto n = static_cast<uint32_t>(symbols.size());
  std::vector<uint32_t> next(n), previous(n);
  std::vector<bool> gone(n);
  std::priority_queue<Step, std::vector<Step>, std::greater<>> steps;
  const auto offer = [&](uint32_t at) {
    if (next[at] < n) {
      if (const Entry* e = find(symbols[at], symbols[next[at]])) {
        steps.push({e->rank, at, e->key});
      }
    }
  };
  for (uint32_t i = 0; i < n; ++i) {
    next[i] = i + 1;
    previous[i] = i - 1; // of the first: UINT32_MAX, which is not < n
  }
  for (uint32_t i = 0; i < n; ++i) {
    offer(i);
  }
  while (!steps.empty()) {
    const Step step = steps.top();
    steps.pop();
    const uint32_t at = step.position;
    if (gone[at] || next[at] >= n ||
        pair_key(symbols[at], symbols[next[at]]) != step.key) {
      continue;
    }
    symbols[at] = find(symbols[at], symbols[next[at]])->result;
    gone[next[at]] = true;
    next[at] = next[next[at]];
    if (next[at] < n) {
      previous[next[at]] = at;
    }
    offer(at);
    if (previous[at] < n) {
      offer(previous[at]);
    }
  }
  size_t out = 0;
  for (uint32_t i = 0; i < n; i = next[i]) {
    symbols[out++] = symbols[i];
  }
  symbols.resize(out);
}

} // namespace llm
