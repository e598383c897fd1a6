// SPDX-License-Identifier: MIT
//
// What was read of earlier prompts, for the next one that begins the same way:
// a system prompt, the turns of a conversation. Only whole chunks are reused,
// counted from the beginning of the text: they were computed exactly as they
// would be again, so an answer has the same bits with and without this memory.

#pragma once

#include <cstdint>
#include <list>
#include <vector>

#include "llm/serving/model_table.h"

namespace llm::serving {

class PromptMemory {
 public:
  PromptMemory(int chunk, int64_t most_bytes)
      : chunk_(chunk), most_bytes_(most_bytes) {}

  /** Puts what is known of the first `most` tokens into `cache`, which is
   * empty; returns how many that are. */
  int recall(
      const ModelHandle& model,
      const std::vector<int32_t>& text,
      int most,
      KVCache& cache);

  /** Remembers the whole chunks among the first cache.length() tokens. */
  void remember(
      const ModelHandle& model,
      const std::vector<int32_t>& text,
      const KVCache& cache);

 private:
  struct Entry {
    std::weak_ptr<LoadedModel> model; // prompts keep no model in memory
    std::vector<int32_t> tokens;
    KVCache cache;
    int64_t bytes;
  };

  int chunk_;
  int64_t most_bytes_;
  std::list<Entry> entries_; // the last used first
};

} // namespace llm::serving
