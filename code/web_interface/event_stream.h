// SPDX-License-Identifier: MIT
//
// An answer that is a stream of events (text/event-stream, WHATWG HTML section
// 9.2). Events collect until send(); the status is sent with the first of them,
// so until then an error can still become the status. A comment every 5 s of
// silence keeps the connection alive and tells the client that we are.

#pragma once

#include <string>
#include <string_view>

#include "code/web_interface/exchange.h"
#include "llm/core/json.h"

namespace llm::web {

class EventStream {
 public:
  /** Watches the connection from now on; it ends with the stream. */
  explicit EventStream(Exchange& exchange);

  /** An event, numbered from 0. */
  void add(std::string_view name, const Json& data);
  /** The same, when the data is text already. */
  void add_text(std::string_view name, std::string_view data);
  /** An event without name and number, as OpenAI sends them. */
  void add_data(std::string_view data);

  /** Sends nothing for a moment, so that what comes meanwhile goes out at
   * once. */
  Task<> pause(Clock::duration time);

  /** Sends what was collected. */
  Task<> send();
  /** Until something was raised, or for `most`. Sends a ping when the stream
   * has been silent for too long. */
  Task<> wait(Clock::duration most);
  /** Sends what was collected and ends the stream. */
  Task<> finish();

  /** The status has been sent. */
  bool begun() const {
    return exchange_.answered;
  }
  size_t waiting_bytes() const {
    return text_.size();
  }
  /** Nobody listens any more. */
  bool gone() const {
    return exchange_.connection.gone();
  }

 private:
  Exchange& exchange_;
  std::string text_;
  uint64_t next_id_ = 0;
  Clock::time_point last_sent_ = Clock::now();
};

} // namespace llm::web
