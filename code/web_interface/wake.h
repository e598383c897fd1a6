// SPDX-License-Identifier: MIT
//
// How the inference thread wakes a coroutine: raise() may come from any thread,
// at any time, also when nobody waits any more. Who was woken looks by itself
// what is new; several raises may become one.

#pragma once

#include <atomic>
#include <memory>

#include "code/web_interface/asio.h"

namespace llm::web {

class Wake : public std::enable_shared_from_this<Wake> {
 public:
  explicit Wake(const asio::any_io_executor& executor) : timer_(executor) {}

  void raise() {
    if (!raised_.exchange(true) && waits_) {
      asio::post(timer_.get_executor(), [self = shared_from_this()] {
        self->timer_.cancel();
      });
    }
  }

  /** On the I/O thread, one at a time: until raise(), or for `most`. May return
   * early. */
  Task<> wait(Clock::duration most) {
    waits_ = true; // before looking: a raise is seen here, or sees this
    if (!raised_) {
      timer_.expires_after(most);
      co_await timer_.async_wait(with_error);
    }
    waits_ = false;
    raised_ = false;
  }

 private:
  asio::steady_timer timer_;
  std::atomic<bool> raised_{false}, waits_{false};
};

} // namespace llm::web
