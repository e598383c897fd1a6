// SPDX-License-Identifier: MIT

#include "llm/serving/run_store.h"

#include <algorithm>

namespace llm::serving {

using Clock = std::chrono::steady_clock;

Run& RunStore::put(Run run) {
  expire();
  run.used = Clock::now();
  runs_.push_front(std::move(run));
  int64_t total = 0;
  for (auto it = runs_.begin(); it != runs_.end();) {
    total += it->reading.bytes();
    const auto next = std::next(it);
    if (total > most_bytes_ && it != runs_.begin()) {
      forget(it);
    }
    it = next;
  }
  return runs_.front();
}

Run& RunStore::get(const std::string& id) {
  expire();
  const auto it = std::find_if(
      runs_.begin(), runs_.end(), [&](const Run& run) { return run.id == id; });
  if (it != runs_.end()) {
    it->used = Clock::now();
    runs_.splice(runs_.begin(), runs_, it);
    return runs_.front();
  }
  if (std::find(expired_.begin(), expired_.end(), id) != expired_.end()) {
    throw ApiError(
        410,
        "run_expired",
        "expected a run that is kept but this one was dropped after " +
            std::to_string(seconds_) +
            " s without use, or to make room; inspect the text again.",
        "run");
  }
  throw ApiError(
      404,
      "run_not_found",
      "expected the id of a run but received another text; POST /api/inspect "
      "makes one.",
      "run");
}

bool RunStore::drop(const std::string& id) {
  return runs_.remove_if([&](const Run& run) { return run.id == id; }) > 0;
}

void RunStore::expire() {
  const auto oldest = Clock::now() - std::chrono::seconds(seconds_);
  while (!runs_.empty() && runs_.back().used < oldest) {
    forget(std::prev(runs_.end()));
  }
}

void RunStore::forget(std::list<Run>::iterator run) {
  constexpr size_t remembered = 4096;
  expired_.push_back(run->id);
  if (expired_.size() > remembered) {
    expired_.pop_front();
  }
  runs_.erase(run);
}

} // namespace llm::serving
