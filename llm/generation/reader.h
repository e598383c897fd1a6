// SPDX-License-Identifier: MIT
//
// Reads a growing text with a model: what the cache does not hold yet is read
// in chunks, and no more than the context at a time.

#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "llm/generation/text_cache.h"

namespace llm {

/** (tokens read, tokens to read) -> false to stop. */
using PrefillProgress = std::function<bool(int, int)>;

class Reader {
 public:
  /** The references must outlive it. Without `use_cache` every text is read
   * from its beginning. */
  Reader(
      const LanguageModel& model,
      TextCache& cache,
      bool use_cache = true,
      int chunk = 512)
      : model_(model), cache_(cache), use_cache_(use_cache), chunk_(chunk) {}

  /** Makes the cache hold `text` but its last n tokens, evaluated chunk by
   * chunk. A text beyond the context is continued with the last half of the
   * context. False when `progress` stopped it. */
  bool prepare(
      const std::vector<int32_t>& text,
      int n = 1,
      const PrefillProgress& progress = {});

  /** Logits [n, V] float32 after each of the last n tokens; lazy. Call
   * prepare() with the same arguments before. */
  mx::array logits(const std::vector<int32_t>& text, int n = 1);

  /** The same after one more token, an id that may not be known yet (int32
   * scalar); note() tells it as soon as it is. Only with the cache. */
  mx::array logits_after(const mx::array& id);
  void note(int32_t id) {
    cache_.ids.push_back(id);
  }

  /** How many tokens more than `text` could be read and forgotten again. */
  int room(const std::vector<int32_t>& text) const;

  TextCache& cache() {
    return cache_;
  }

 private:
  mx::array read(const std::vector<int32_t>& text, size_t from, size_t to);

  const LanguageModel& model_;
  TextCache& cache_;
  bool use_cache_;
  int chunk_;
  size_t begin_ = 0; // where the window begins in the text
};

} // namespace llm
