// SPDX-License-Identifier: MIT

#include "llm/tokenizers/bpe_merges.h"

#include <algorithm>
#include <queue>

namespace llm {
namespace {

constexpr size_t max_short = 47; // symbols of a word

} // namespace

MergeTable::MergeTable(const std::vector<BpeMerge>& merges) {
  size_t size = 2;
  while (size < 2 * merges.size()) {
    size *= 2;
  }
  slots_.resize(size);
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const uint64_t key = key_of(merges[rank].left, merges[rank].right);
    size_t slot = place(key);
    while (slots_[slot].key != empty && slots_[slot].key != key) {
      slot = (slot + 1) & (slots_.size() - 1);
    }
    slots_[slot] = {key, static_cast<int32_t>(rank), merges[rank].result};
  }
}

void MergeTable::apply(std::vector<int32_t>& symbols) const {
  // Looking for the best pair again after every merge is quadratic, but the
  // faster way for words of ordinary length.
  if (symbols.size() <= max_short) {
    apply_short(symbols);
  } else {
    apply_long(symbols);
  }
}

void MergeTable::apply_short(std::vector<int32_t>& symbols) const {
  constexpr int32_t none = INT32_MAX;
  int32_t ranks[max_short];   // [i]: of the merge of symbols i and i + 1
  int32_t results[max_short]; // [i]: its token
  size_t n = symbols.size();
  if (n < 2) {
    return;
  }
  const auto look_up = [&](size_t i) {
    const Entry* entry = find(symbols[i], symbols[i + 1]);
    ranks[i] = entry ? entry->rank : none;
    results[i] = entry ? entry->result : 0;
  };
  for (size_t i = 0; i + 1 < n; ++i) {
    look_up(i);
  }
  ranks[n - 1] = results[n - 1] = none; // moved below, never looked at
  while (n > 1) {
    const int32_t* best_rank = std::min_element(ranks, ranks + n - 1);
    if (*best_rank == none) {
      break;
    }
    const auto best = static_cast<size_t>(best_rank - ranks);
    symbols[best] = results[best];
    --n;
    for (size_t i = best + 1; i < n; ++i) {
      symbols[i] = symbols[i + 1];
      ranks[i] = ranks[i + 1];
      results[i] = results[i + 1];
    }
    if (best > 0) {
      look_up(best - 1);
    }
    if (best + 1 < n) {
      look_up(best);
    }
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
        key_of(symbols[at], symbols[next[at]]) != step.key) {
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
