// SPDX-License-Identifier: MIT
//
// The texts that clients look into. A run is dropped some time after its last
// use, or when all together are too large, the least used one first; then it is
// "expired", which is another answer than "never heard of it".

#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <string>

#include "llm/inspect/reading.h"
#include "llm/serving/model_table.h"

namespace llm::serving {

struct Run {
  std::string id;
  ModelHandle model;
  inspect::Reading reading;
  std::chrono::steady_clock::time_point used{};
};

class RunStore {
 public:
  RunStore(int64_t most_bytes, int seconds)
      : most_bytes_(most_bytes), seconds_(seconds) {}

  /** Keeps the newest, whatever its size. */
  Run& put(Run run);
  /** ApiError run_not_found or run_expired. */
  Run& get(const std::string& id);
  /** False if there was none. */
  bool drop(const std::string& id);
  /** Drops what is too old. */
  void expire();

  bool empty() const {
    return runs_.empty();
  }
  int seconds() const {
    return seconds_;
  }

 private:
  void forget(std::list<Run>::iterator run);

  int64_t most_bytes_;
  int seconds_;
  std::list<Run> runs_; // the last used first
  std::deque<std::string> expired_;
};

} // namespace llm::serving
