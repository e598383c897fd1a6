// SPDX-License-Identifier: MIT

#include "code/web_interface/exchange.h"

#include <time.h>

#include <mutex>

#include "code/web_interface/gate.h"

namespace llm::web {

namespace {

/** "Sun, 06 Nov 1994 08:49:37 GMT". */
std::string http_date() {
  const time_t now = time(nullptr);
  tm parts{};
  gmtime_r(&now, &parts);
  char text[64];
  return {
      text, strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

bool has_body(int status) {
  return status != 204 && status != 304;
}

/** An Answer on its way from the inference thread. */
struct Pending {
  std::mutex mutex;
  std::optional<serving::Answer> answer;

  std::optional<serving::Answer> take() {
    const std::lock_guard lock(mutex);
    return std::exchange(answer, std::nullopt);
  }
};

} // namespace

std::string
Exchange::head(int status, const Texts& headers, std::optional<size_t> length) {
  answered = true;
  const std::string_view reason =
      http::obsolete_reason(static_cast<http::status>(status));
  std::string out = "HTTP/1.1 " + std::to_string(status) + " ";
  out.append(reason).append("\r\nDate: ").append(http_date()).append("\r\n");
  for (const auto& [name, value] : headers) {
    out.append(name).append(": ").append(value).append("\r\n");
  }
  if (length && has_body(status)) {
    out += "Content-Length: " + std::to_string(*length) + "\r\n";
  } else if (!length && http11) {
    out += "Transfer-Encoding: chunked\r\n";
  }
  if (!keep_alive) {
    out += "Connection: close\r\n";
  } else if (!http11) {
    out += "Connection: keep-alive\r\n";
  }
  out += security_headers();
  out += cors_headers(cors_origin);
  return out += "\r\n";
}

Task<> Exchange::reply(serving::Answer answer) {
  keep_alive = keep_alive && !app.draining;
  if (has_body(answer.status)) {
    answer.headers.emplace("Content-Type", answer.type);
  }
  answer.headers.emplace("Cache-Control", "no-store");
  std::string text = head(answer.status, answer.headers, answer.body.size());
  if (method != "HEAD" && has_body(answer.status)) {
    text += answer.body;
  }
  co_await connection.write(text);
}

Task<> Exchange::reply_later(std::function<void(serving::OnAnswer)> start) {
  const auto pending = std::make_shared<Pending>();
  const auto wake = connection.wake();
  start([pending, wake](serving::Answer answer) {
    {
      const std::lock_guard lock(pending->mutex);
      pending->answer = std::move(answer);
    }
    wake->raise();
  });
  connection.watch();
  auto answer = pending->take();
  while (!answer && !connection.gone() && !app.closing) {
    co_await wake->wait(seconds(60));
    answer = pending->take();
  }
  co_await connection.stop_watching();
  if (!answer) {
    answer = serving::error_answer(draining_error());
  }
  if (!connection.gone()) {
    co_await reply(std::move(*answer));
  }
}

serving::ApiError draining_error() {
  serving::ApiError error(
      503,
      "draining",
      "expected a server that goes on but it is being stopped; try again when "
      "it runs.");
  error.retry_after = 5;
  return error;
}

} // namespace llm::web
