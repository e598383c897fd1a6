// SPDX-License-Identifier: MIT
//
// Counts live in one hash table per order. A context of n tokens is numbered
// by the number of its own context and its last token, so that a key is always
// two 32-bit numbers, however long the context and large the vocabulary.

#include "llm/data/ngram.h"

#include <cmath>

#include "llm/core/error.h"
#include "llm/core/random.h"

namespace llm {
namespace {

// Open addressing from a 64-bit key to a small index; far quicker than
// std::unordered_map on a million keys.
class KeyTable {
 public:
  explicit KeyTable(size_t capacity) {
    size_t size = 16;
    while (size < 2 * capacity) {
      size *= 2;
    }
    keys_.resize(size, empty);
    values_.resize(size);
  }

  /** The index of a key, or -1. */
  int64_t find(uint64_t key) const {
    const size_t at = slot(key);
    return keys_[at] == key ? values_[at] : -1;
  }

  /** The index of a key; a new key gets the next number. */
  int64_t add(uint64_t key) {
    const size_t at = slot(key);
    if (keys_[at] != key) {
      keys_[at] = key;
      values_[at] = count_++;
    }
    return values_[at];
  }

  int64_t size() const {
    return count_;
  }

 private:
  static constexpr uint64_t empty = UINT64_MAX;

  size_t slot(uint64_t key) const {
    size_t at = mix64(key) & (keys_.size() - 1);
    while (keys_[at] != empty && keys_[at] != key) {
      at = (at + 1) & (keys_.size() - 1);
    }
    return at;
  }

  std::vector<uint64_t> keys_;
  std::vector<int64_t> values_;
  int64_t count_ = 0;
};

constexpr uint64_t key_of(int64_t context, int32_t token) {
  return static_cast<uint64_t>(context) << 32 | static_cast<uint32_t>(token);
}

// What was counted for one length of context.
struct Level {
  KeyTable grams; // (context, token) -> gram
  std::vector<int32_t> gram_count;
  std::vector<int32_t> context_count; // by context: how often followed
  std::vector<int32_t> context_kinds; // by context: different followers
  std::vector<int64_t> context_of;    // by training position; -1: none
};

// Counts of contexts of 0 to n - 1 tokens. A gram of level m is a context of
// level m + 1.
class Counts {
 public:
  Counts(const std::vector<int32_t>& train, int n) {
    std::vector<int64_t> context(train.size(), 0); // of the token at i
    int64_t contexts = 1;
    for (int m = 0; m < n; m++) {
      levels_.push_back({KeyTable(train.size()), {}, {}, {}, {}});
      auto& level = levels_.back();
      level.context_count.resize(contexts);
      level.context_kinds.resize(contexts);
      std::vector<int64_t> next(train.size(), -1);
      for (size_t i = m; i < train.size(); i++) {
        const auto known = level.grams.size();
        const auto gram = level.grams.add(key_of(context[i], train[i]));
        if (gram == known) {
          level.gram_count.push_back(0);
          level.context_kinds[context[i]]++;
        }
        level.gram_count[gram]++;
        level.context_count[context[i]]++;
        if (i + 1 < train.size()) {
          next[i + 1] = gram;
        }
      }
      contexts = level.grams.size();
      context = std::move(next);
    }
  }

  const Level& level(int m) const {
    return levels_[m];
  }

  /** The number of the context of m tokens before ids[i], or -1. */
  int64_t context(const std::vector<int32_t>& ids, size_t i, int m) const {
    int64_t context = 0;
    for (int k = 0; k < m && context >= 0; k++) {
      context = levels_[k].grams.find(key_of(context, ids[i - m + k]));
    }
    return context;
  }

 private:
  std::vector<Level> levels_;
};

double count_of(const Level& level, int64_t context, int32_t token) {
  const auto gram = level.grams.find(key_of(context, token));
  return gram < 0 ? 0 : level.gram_count[gram];
}

double add_k_loss(
    const Counts& counts,
    const std::vector<int32_t>& val,
    int vocab_size,
    int n,
    double k) {
  const auto& level = counts.level(n - 1);
  double loss = 0;
  for (size_t i = n - 1; i < val.size(); i++) {
    const auto context = counts.context(val, i, n - 1);
    const double seen = context < 0 ? 0 : level.context_count[context];
    const double both = context < 0 ? 0 : count_of(level, context, val[i]);
    loss -= std::log((both + k) / (seen + k * vocab_size));
  }
  return loss / static_cast<double>(val.size() - (n - 1));
}

double witten_bell_loss(
    const Counts& counts,
    const std::vector<int32_t>& val,
    int vocab_size,
    int n) {
  double loss = 0;
  for (size_t i = n - 1; i < val.size(); i++) {
    // [snippet witten-bell]
    double p = 1.0 / vocab_size;
    for (int m = 0; m < n; m++) {
      const auto context = counts.context(val, i, m);
      if (context < 0 || counts.level(m).context_count[context] == 0) {
        break; // longer contexts were not seen either
      }
      const auto& level = counts.level(m);
      const double kinds = level.context_kinds[context];
      p = (count_of(level, context, val[i]) + kinds * p) /
          (level.context_count[context] + kinds);
    }
    loss -= std::log(p);
    // [/snippet]
  }
  return loss / static_cast<double>(val.size() - (n - 1));
}

void check_ids(const std::vector<int32_t>& ids, int vocab_size, int n) {
  if (n < 1 || vocab_size < 1 || static_cast<int>(ids.size()) < n) {
    throw InputError(
        "Ngram",
        "expected order, vocabulary of at least 1 and a text of at least that "
        "order but received order " +
            std::to_string(n) + ", vocabulary " + std::to_string(vocab_size) +
            " and " + std::to_string(ids.size()) +
            " tokens; use a longer text.");
  }
  for (int32_t id : ids) {
    if (id < 0 || id >= vocab_size) {
      throw InputError(
          "Ngram",
          "expected ids from 0 to " + std::to_string(vocab_size - 1) +
              " but received " + std::to_string(id) +
              "; give the vocabulary size of the tokenizer.");
    }
  }
}

} // namespace

double add_k(
    const std::vector<int32_t>& train,
    const std::vector<int32_t>& val,
    int vocab_size,
    int n,
    double k) {
  check_ids(train, vocab_size, n);
  check_ids(val, vocab_size, n);
  return add_k_loss(Counts(train, n), val, vocab_size, n, k);
}

double witten_bell(
    const std::vector<int32_t>& train,
    const std::vector<int32_t>& val,
    int vocab_size,
    int n) {
  check_ids(train, vocab_size, n);
  check_ids(val, vocab_size, n);
  return witten_bell_loss(Counts(train, n), val, vocab_size, n);
}

std::vector<NgramResult> ngram_ladder(
    const std::vector<int32_t>& train,
    const std::vector<int32_t>& val,
    int vocab_size) {
  constexpr int highest = 8;
  constexpr double ks[] = {1, 1, 0.1, 0.03, 0.03};
  check_ids(train, vocab_size, highest);
  check_ids(val, vocab_size, highest);
  const Counts counts(train, highest);
  std::vector<NgramResult> ladder{
      {"uniform", 0, 0, std::log(static_cast<double>(vocab_size))}};
  for (int n = 1; n <= 5; n++) {
    const double k = ks[n - 1];
    ladder.push_back(
        {"add-k", n, k, add_k_loss(counts, val, vocab_size, n, k)});
  }
  for (int n = 2; n <= highest; n++) {
    ladder.push_back(
        {"witten-bell", n, 0, witten_bell_loss(counts, val, vocab_size, n)});
  }
  return ladder;
}

double counted_loss(
    const std::vector<std::vector<int32_t>>& sequences,
    int32_t boundary,
    int n) {
  if (n < 1 || sequences.empty()) {
    throw InputError(
        "Ngram", "expected sequences and an order of at least 1; add some.");
  }
  // One text in which every sequence is padded; only its own tokens and the
  // boundary after it are counted, so contexts never cross sequences.
  std::vector<std::vector<int32_t>> padded;
  size_t total = 0;
  for (const auto& sequence : sequences) {
    std::vector<int32_t> ids(n - 1, boundary);
    ids.insert(ids.end(), sequence.begin(), sequence.end());
    ids.push_back(boundary);
    total += sequence.size() + 1;
    padded.push_back(std::move(ids));
  }
  std::vector<KeyTable> context_tables(n, KeyTable(total * 2 + 2));
  std::vector<int64_t> context_count(2 * total + 2);
  std::vector<int64_t> gram_count(2 * total + 2);
  std::vector<std::pair<int64_t, int64_t>> seen; // (context, gram) in order
  for (const auto& ids : padded) {
    for (size_t i = n - 1; i < ids.size(); i++) {
      int64_t context = 0;
      for (int k = 0; k < n - 1; k++) {
        context = context_tables[k].add(key_of(context, ids[i - n + 1 + k]));
      }
      const auto gram = context_tables[n - 1].add(key_of(context, ids[i]));
      context_count[context]++;
      gram_count[gram]++;
      seen.emplace_back(context, gram);
    }
  }
  double loss = 0;
  for (const auto& [context, gram] : seen) {
    loss -= std::log(
        static_cast<double>(gram_count[gram]) /
        static_cast<double>(context_count[context]));
  }
  return loss / static_cast<double>(total);
}

} // namespace llm
