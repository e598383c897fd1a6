// SPDX-License-Identifier: MIT

#include "code/web_interface/event_stream.h"

#include <algorithm>
#include <charconv>

#include "llm/serving/http_rules.h"

namespace llm::web {

namespace {

constexpr auto silence = seconds(5);

Texts stream_headers() {
  return {
      {"Content-Type", "text/event-stream"},
      {"Cache-Control", "no-store"},
      {"X-Accel-Buffering", "no"}};
}

/** As one chunk of HTTP/1.1. */
std::string chunk(const std::string& text) {
  char size[16];
  const auto end = std::to_chars(size, size + sizeof size, text.size(), 16);
  return std::string(size, end.ptr) + "\r\n" + text + "\r\n";
}

} // namespace

EventStream::EventStream(Exchange& exchange) : exchange_(exchange) {
  exchange_.keep_alive = false;
  exchange_.connection.watch(true);
}

void EventStream::add(std::string_view name, const Json& data) {
  // Texts are valid UTF-8 by then; a defect there must not end the stream.
  add_text(name, data.dump(-1, ' ', false, Json::error_handler_t::replace));
}

void EventStream::add_text(std::string_view name, std::string_view data) {
  text_ += serving::event_text(next_id_++, name, data);
}

void EventStream::add_data(std::string_view data) {
  text_ += serving::event_text(std::nullopt, "", data);
}

Task<> EventStream::send() {
  std::string out;
  if (!begun()) {
    exchange_.connection.limit_send_buffer();
    out = exchange_.head(200, stream_headers(), std::nullopt);
  }
  if (!text_.empty()) {
    out += exchange_.http11 ? chunk(text_) : text_;
    text_.clear();
  }
  if (!out.empty()) {
    last_sent_ = Clock::now();
    co_await exchange_.connection.write(out);
  }
}

Task<> EventStream::wait(Clock::duration most) {
  const Clock::duration until_ping = last_sent_ + silence - Clock::now();
  const Clock::duration time = begun() ? std::min(most, until_ping) : most;
  if (time > Clock::duration::zero() && !gone()) {
    co_await exchange_.connection.wake()->wait(time);
  }
  if (begun() && !gone() && Clock::now() >= last_sent_ + silence) {
    text_ += ": ping\n\n";
    co_await send();
  }
}

Task<> EventStream::pause(Clock::duration time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(with_error);
}

Task<> EventStream::finish() {
  co_await send();
  if (exchange_.http11) {
    const std::string_view last_chunk = "0\r\n\r\n";
    co_await exchange_.connection.write(last_chunk);
  }
}

} // namespace llm::web
