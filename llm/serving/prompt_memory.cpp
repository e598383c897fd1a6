// SPDX-License-Identifier: MIT

#include "llm/serving/prompt_memory.h"

#include <algorithm>

namespace llm::serving {

namespace {

int common_length(
    const std::vector<int32_t>& a,
    const std::vector<int32_t>& b) {
  const auto [x, y] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<int>(x - a.begin());
}

int64_t bytes_of(const KVCache& cache) {
  int64_t total = 0;
  for (const mx::array& array : cache.arrays()) {
    total += static_cast<int64_t>(array.nbytes());
  }
  return total;
}

} // namespace

int PromptMemory::recall(
    const ModelHandle& model,
    const std::vector<int32_t>& text,
    int most,
    KVCache& cache) {
  auto best = entries_.end();
  int length = 0;
  for (auto it = entries_.begin(); it != entries_.end(); ++it) {
    // [snippet recall]
    const int common = std::min(common_length(it->tokens, text), most);
    const int whole = common / chunk_ * chunk_;
    // [/snippet]
    if (it->model.lock() == model && whole > length &&
        it->cache.can_trim(whole)) {
      best = it;
      length = whole;
    }
  }
  if (best != entries_.end()) {
    cache = best->cache;
    cache.trim(length);
    entries_.splice(entries_.begin(), entries_, best);
  }
  return length;
}

void PromptMemory::remember(
    const ModelHandle& model,
    const std::vector<int32_t>& text,
    const KVCache& cache) {
  const int whole = cache.length() / chunk_ * chunk_;
  if (whole == 0 || !cache.can_trim(whole)) {
    return;
  }
  std::vector<int32_t> tokens(text.begin(), text.begin() + whole);
  entries_.remove_if([&](const Entry& entry) { // or of no use
    return entry.model.expired() ||
        (entry.model.lock() == model &&
         common_length(entry.tokens, tokens) ==
             static_cast<int>(entry.tokens.size()));
  });
  KVCache copy = cache;
  copy.trim(whole);
  const int64_t bytes = bytes_of(copy);
  entries_.push_front({model, std::move(tokens), std::move(copy), bytes});
  int64_t total = 0;
  for (auto it = entries_.begin(); it != entries_.end();) {
    total += it->bytes;
    it = total > most_bytes_ ? entries_.erase(it) : std::next(it);
  }
}

} // namespace llm::serving
