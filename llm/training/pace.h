// SPDX-License-Identifier: MIT
//
// How fast a run is: the time of each update, without what comes between them
// (evaluations, samples, checkpoints), and the time of all together.

#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

namespace llm {

class Pace {
 public:
  void begin_update() {
    update_start_ = Clock::now();
  }

  void end_update(double tokens) {
    speeds_.push_back(tokens / seconds_since(update_start_));
  }

  /** Tokens per second of the last update. */
  double last() const {
    return speeds_.back();
  }

  /** The median over the updates, 0 before the first. */
  double median() const {
    // The first updates pay for tracing and page faults: leave them out.
    const size_t skip = speeds_.size() > 40 ? 20 : speeds_.size() / 2;
    std::vector<double> sorted(speeds_.begin() + skip, speeds_.end());
    std::sort(sorted.begin(), sorted.end());
    return sorted.empty() ? 0 : sorted[sorted.size() / 2];
  }

  /** Seconds since this object was made. */
  double seconds() const {
    return seconds_since(start_);
  }

 private:
  using Clock = std::chrono::steady_clock;

  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  Clock::time_point start_ = Clock::now();
  Clock::time_point update_start_ = start_;
  std::vector<double> speeds_; // tokens per second of each update
};

} // namespace llm
