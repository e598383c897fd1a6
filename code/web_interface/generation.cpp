// SPDX-License-Identifier: MIT
//
// Routes that write: /api/generate and OpenAI's two. The service tells events;
// here they become a stream, or one answer. When the client goes away, however
// that happens, the generation is cancelled.

#include <memory>

#include "code/web_interface/event_stream.h"
#include "code/web_interface/handlers.h"
#include "llm/serving/openai.h"

namespace llm::web {

using serving::DoneEvent;
using serving::ErrorEvent;
using serving::Event;
using serving::OpenAIKind;
using serving::PrefillEvent;
using serving::TokenEvent;

namespace {

/// How long the status waits for the first event that tells something: a
/// request that is wrong gets 400, although the stream is where it is found.
constexpr auto status_waits = seconds(2);
constexpr size_t piece_bytes = 16 << 10;
/// Tokens go out at most so often, a frame of a screen: each sending costs time
/// that the inference threads want. The first one goes at once.
constexpr auto frame = std::chrono::milliseconds(16);

using Write = std::function<void(EventStream&, const Event&)>;

// [snippet reader]
/** A generation that ends with its reader. */
class Reader {
 public:
  Reader(Exchange& x, const serving::GenerateRequest& request)
      : stream_(x.app.service.generate(request, [wake = x.connection.wake()] {
          wake->raise();
        })) {}
  ~Reader() {
    stream_->cancel();
  }
  // [/snippet]
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  /** The next event; an error in its place when the server ends first. */
  std::optional<Event> next(const App& app) {
    std::optional<Event> event = ended_ ? std::nullopt : stream_->pop();
    if (!event && !ended_ && app.closing) {
      event = ErrorEvent{draining_error()};
    }
    ended_ = ended_ ||
        (event &&
         (std::holds_alternative<DoneEvent>(*event) ||
          std::holds_alternative<ErrorEvent>(*event)));
    return event;
  }
  bool ended() const {
    return ended_;
  }

 private:
  std::shared_ptr<serving::Stream> stream_;
  bool ended_ = false;
};

bool is_loading(const Event& event) {
  const auto* prefill = std::get_if<PrefillEvent>(&event);
  return prefill != nullptr && prefill->loading;
}

Task<> send_stream(
    Exchange& x,
    const serving::GenerateRequest& request,
    const Write& write) {
  Reader reader(x, request);
  EventStream out(x);
  const auto latest = Clock::now() + status_waits;
  bool commit = false; // nothing changes the status any more
  bool tokens = false; // among what was sent last
  while (!reader.ended() && !out.gone()) {
    while (const auto event = reader.next(x.app)) {
      const auto* error = std::get_if<ErrorEvent>(&*event);
      if (error != nullptr && !commit) {
        throw error->error;
      }
      commit = commit || !is_loading(*event);
      tokens = std::holds_alternative<TokenEvent>(*event);
      write(out, *event);
      if (commit && out.waiting_bytes() >= piece_bytes) {
        co_await out.send();
      }
    }
    commit = commit || Clock::now() >= latest;
    if (commit) {
      co_await out.send();
    }
    if (!reader.ended() && tokens && !out.gone()) {
      co_await out.pause(frame);
    }
    if (!reader.ended()) {
      co_await out.wait(commit ? seconds(60) : latest - Clock::now());
    }
  }
  co_await out.finish();
}

/** All events; nothing when the client is gone. */
Task<std::vector<Event>> collect(
    Exchange& x,
    const serving::GenerateRequest& request) {
  Reader reader(x, request);
  std::vector<Event> events;
  x.connection.watch();
  while (!reader.ended() && !x.connection.gone()) {
    while (auto event = reader.next(x.app)) {
      events.push_back(std::move(*event));
    }
    if (!reader.ended()) {
      co_await x.connection.wake()->wait(seconds(60));
    }
  }
  co_await x.connection.stop_watching();
  co_return events;
}

Task<> openai(Exchange& x, OpenAIKind kind) {
  const auto request = serving::read_openai(serving::parse_body(x.body), kind);
  serving::OpenAIAnswer answer(request);
  if (request.generate.stream) {
    const Write write = [&](EventStream& out, const Event& event) {
      for (const std::string& chunk : answer.chunks(event)) {
        out.add_data(chunk);
      }
    };
    co_await send_stream(x, request.generate, write);
    co_return;
  }
  const std::vector<Event> events = co_await collect(x, request.generate);
  if (!x.connection.gone()) {
    co_await x.reply(serving::json_answer(answer.whole(events)));
  }
}

} // namespace

Task<> generate(Exchange& x) {
  const auto request = serving::read_generate(serving::parse_body(x.body));
  if (request.stream) {
    const Write write = [](EventStream& out, const Event& event) {
      out.add_text(serving::event_name(event), serving::event_data(event));
    };
    co_await send_stream(x, request, write);
    co_return;
  }
  const std::vector<Event> events = co_await collect(x, request);
  if (!x.connection.gone()) {
    co_await x.reply(serving::json_answer(serving::whole_answer(events)));
  }
}

Task<> complete(Exchange& x) {
  co_await openai(x, OpenAIKind::completion);
}

Task<> chat(Exchange& x) {
  co_await openai(x, OpenAIKind::chat);
}

} // namespace llm::web
