// SPDX-License-Identifier: MIT

#include "code/web_interface/connection.h"

namespace llm::web {

Connection::Connection(tcp::socket socket)
    : socket_(std::move(socket)),
      deadline_(socket_.get_executor()),
      wake_(std::make_shared<Wake>(socket_.get_executor())) {
  error_code ignored; // a client that is gone already is noticed when we read
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
}

void Connection::begin_deadline(Clock::duration time) {
  deadline_.expires_after(time);
  deadline_.async_wait([weak = weak_from_this()](error_code error) {
    const auto self = weak.lock();
    // The timer may have been set anew after this call was queued.
    if (self && !error && self->deadline_.expiry() <= Clock::now()) {
      self->timed_out_ = true;
      self->socket_.cancel(error);
    }
  });
}

void Connection::end_deadline() {
  deadline_.expires_at(Clock::time_point::max());
}

error_code Connection::reason(error_code error) const {
  return error == asio::error::operation_aborted && timed_out_
      ? error_code(asio::error::timed_out)
      : error;
}

Task<bool> Connection::wait_for_request(Clock::duration idle) {
  if (gone_ || timed_out_) {
    co_return false;
  }
  if (buffer_.size() > 0) { // it came together with the one before
    co_return true;
  }
  idle_ = true;
  begin_deadline(idle);
  const auto [error, size] =
      co_await socket_.async_read_some(buffer_.prepare(4096), with_error);
  end_deadline();
  idle_ = false;
  buffer_.commit(size);
  co_return !error;
}

Task<error_code> Connection::read_header(Parser& parser) {
  begin_deadline(Limits::header);
  const auto [error, size] =
      co_await http::async_read_header(socket_, buffer_, parser, with_error);
  end_deadline();
  co_return reason(error);
}

Task<error_code> Connection::read_body(Parser& parser) {
  if (parser.is_done()) {
    co_return error_code{};
  }
  begin_deadline(Limits::body);
  const auto [error, size] =
      co_await http::async_read(socket_, buffer_, parser, with_error);
  end_deadline();
  co_return reason(error);
}

Task<bool> Connection::write(std::string_view bytes) {
  // Nearly always the system takes all of it at once.
  error_code error;
  if (!gone_) {
    bytes.remove_prefix(socket_.write_some(asio::buffer(bytes), error));
    gone_ = error && error != asio::error::would_block;
  }
  if (gone_ || bytes.empty()) {
    co_return !gone_;
  }
  begin_deadline(Limits::write + seconds(bytes.size() / (32 << 10)));
  while (!bytes.empty() && !gone_) {
    const auto [failed, size] =
        co_await socket_.async_write_some(asio::buffer(bytes), with_error);
    bytes.remove_prefix(size);
    gone_ = gone_ || failed;
  }
  end_deadline();
  co_return !gone_;
}

Task<> Connection::close() {
  co_await stop_watching();
  error_code error;
  socket_.shutdown(tcp::socket::shutdown_send, error);
  if (!error && !gone_) {
    begin_deadline(Limits::linger);
    while (!error) {
      buffer_.clear();
      const auto [failed, size] =
          co_await socket_.async_read_some(buffer_.prepare(4096), with_error);
      error = timed_out_ ? error_code(asio::error::timed_out) : failed;
    }
    end_deadline();
  }
  socket_.close(error);
}

void Connection::watch(bool drop) {
  watching_ = true;
  drop_ = drop;
  read_ahead();
}

void Connection::read_ahead() {
  if (drop_) {
    buffer_.clear();
  }
  const size_t room = buffer_.max_size() - buffer_.size();
  if (!watching_ || reading_ || gone_ || room == 0) {
    return;
  }
  reading_ = true;
  socket_.async_read_some(
      buffer_.prepare(std::min<size_t>(room, 4096)),
      [self = shared_from_this()](error_code error, size_t size) {
        self->reading_ = false;
        self->buffer_.commit(size);
        if (!error) {
          self->read_ahead();
          return;
        }
        // Stopped by us, unless it was the deadline of a write.
        if (error != asio::error::operation_aborted || self->timed_out_) {
          self->gone_ = true;
        }
        self->wake_->raise();
      });
}

Task<> Connection::stop_watching() {
  watching_ = false;
  while (reading_) {
    error_code ignored;
    socket_.cancel(ignored);
    co_await wake_->wait(seconds(1));
  }
}

void Connection::close_if_idle() {
  if (idle_) {
    abort();
  }
}

void Connection::abort() {
  error_code ignored;
  gone_ = true;
  socket_.shutdown(tcp::socket::shutdown_both, ignored);
  socket_.cancel(ignored);
  wake_->raise();
}

void Connection::limit_send_buffer() {
  error_code ignored;
  socket_.set_option(asio::socket_base::send_buffer_size(64 << 10), ignored);
}

} // namespace llm::web
