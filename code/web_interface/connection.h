// SPDX-License-Identifier: MIT
//
// One connection: its socket, what was read and not used yet, and how long each
// thing may take. Whoever sends or reads too slowly, or too much, loses it.

#pragma once

#include <memory>
#include <string_view>

#include "code/web_interface/asio.h"
#include "code/web_interface/wake.h"

namespace llm::web {

using Parser = http::request_parser<http::string_body>;

struct Limits {
  static constexpr uint32_t header_bytes = 8 << 10;
  static constexpr uint64_t body_bytes = 1 << 20;
  static constexpr size_t ahead_bytes = 64 << 10; ///< read before it is needed
  static constexpr seconds first_byte{10};        ///< of a new connection
  static constexpr seconds next_request{60};      ///< between two requests
  static constexpr seconds header{10}, body{10},
      write{10};                      ///< from begin to end
  static constexpr seconds linger{2}; ///< for the client to close after us
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(tcp::socket socket);

  /** True when a request begins within `idle`. */
  Task<bool> wait_for_request(Clock::duration idle);
  /** Errors: those of Beast; asio::error::timed_out. */
  Task<error_code> read_header(Parser& parser);
  Task<error_code> read_body(Parser& parser);
  /** Sends all of it; false when the client is gone or does not read. */
  Task<bool> write(std::string_view bytes);
  /** Ends our side, and waits a little for the client to end its own: what we
   * sent would be lost if we closed while it still sends. */
  Task<> close();

  /** Begins to notice that the client goes away, while a request is worked on;
   * what comes meanwhile waits for the next request, or is dropped. */
  void watch(bool drop = false);
  Task<> stop_watching();
  /** The client has closed, or was too slow. */
  bool gone() const {
    return gone_;
  }

  /** Raised by what a handler waits for, and when gone() changes. */
  const std::shared_ptr<Wake>& wake() const {
    return wake_;
  }
  /** Ends it when no request is being read or answered. */
  void close_if_idle();
  /** Ends it. */
  void abort();
  /** Small, so that a client that does not read is noticed soon. */
  void limit_send_buffer();

 private:
  void begin_deadline(Clock::duration time);
  void end_deadline();
  void read_ahead();
  /** timed_out in place of "aborted", when it was the deadline. */
  error_code reason(error_code error) const;

  tcp::socket socket_;
  beast::flat_buffer buffer_{Limits::ahead_bytes};
  asio::steady_timer deadline_;
  std::shared_ptr<Wake> wake_;
  bool gone_ = false, timed_out_ = false, idle_ = true;
  bool watching_ = false, reading_ = false, drop_ = false;
};

} // namespace llm::web
