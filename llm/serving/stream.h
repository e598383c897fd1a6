// SPDX-License-Identifier: MIT
//
// The events of one generation on their way from the inference thread to
// whoever asked: a queue of at most 256. When it is full the generation pauses
// (the others go on); when it stays full for 5 s it is cancelled.

#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "llm/serving/events.h"

namespace llm::serving {

class Stream {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr size_t capacity = 256;

  Stream(std::string id, std::function<void()> notify)
      : id_(std::move(id)), notify_(std::move(notify)) {}

  const std::string& id() const {
    return id_;
  }

  // The reader's side.

  /** The next event, if there is one. */
  std::optional<Event> pop();
  /** The client is gone, or wants no more. */
  void cancel() {
    cancelled_ = true;
  }

  // The writer's side.

  bool cancelled() const {
    return cancelled_;
  }
  /** Room for one more event beside the last one (done, error). */
  bool has_room() const;
  /** How long there has been no room. */
  Clock::duration full_for() const;
  /** Appends, whatever the room. After done or error: nothing. */
  void push(Event event);
  /** True after done or error. */
  bool ended() const;

 private:
  std::string id_;
  std::function<void()> notify_;
  std::atomic<bool> cancelled_{false};
  mutable std::mutex mutex_;
  std::deque<Event> events_;
  std::optional<Clock::time_point> full_since_;
  bool ended_ = false;
};

} // namespace llm::serving
