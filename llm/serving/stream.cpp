// SPDX-License-Identifier: MIT

#include "llm/serving/stream.h"

#include <utility>

namespace llm::serving {

std::optional<Event> Stream::pop() {
  const std::lock_guard lock(mutex_);
  if (events_.empty()) {
    return std::nullopt;
  }
  Event event = std::move(events_.front());
  events_.pop_front();
  if (events_.size() + 1 < capacity) {
    full_since_.reset();
  }
  return event;
}

bool Stream::has_room() const {
  const std::lock_guard lock(mutex_);
  return events_.size() + 1 < capacity;
}

Stream::Clock::duration Stream::full_for() const {
  const std::lock_guard lock(mutex_);
  return full_since_ ? Clock::now() - *full_since_ : Clock::duration::zero();
}

void Stream::push(Event event) {
  {
    const std::lock_guard lock(mutex_);
    if (ended_) {
      return;
    }
    ended_ = std::holds_alternative<DoneEvent>(event) ||
        std::holds_alternative<ErrorEvent>(event);
    events_.push_back(std::move(event));
    if (events_.size() + 1 >= capacity && !full_since_) {
      full_since_ = Clock::now();
    }
  }
  if (notify_) { // without the lock: it may pop
    notify_();
  }
}

bool Stream::ended() const {
  const std::lock_guard lock(mutex_);
  return ended_;
}

} // namespace llm::serving
