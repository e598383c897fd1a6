// SPDX-License-Identifier: MIT

#include "llm/serving/stream.h"

#include <thread>

#include <doctest/doctest.h>

using namespace llm::serving;

namespace {

Event token(int i) {
  return TokenEvent{.i = i};
}

} // namespace

TEST_CASE("stream: events come in order, each with a call") {
  int calls = 0;
  Stream stream("abc", [&] { ++calls; });
  CHECK(stream.id() == "abc");
  CHECK_FALSE(stream.pop());
  stream.push(token(0));
  stream.push(token(1));
  CHECK(calls == 2);
  CHECK(std::get<TokenEvent>(*stream.pop()).i == 0);
  CHECK(std::get<TokenEvent>(*stream.pop()).i == 1);
  CHECK_FALSE(stream.pop());
  CHECK_FALSE(stream.cancelled());
  stream.cancel();
  CHECK(stream.cancelled());
}

TEST_CASE("stream: done and error end it") {
  int calls = 0;
  Stream stream("", [&] { ++calls; });
  stream.push(token(0));
  CHECK_FALSE(stream.ended());
  stream.push(DoneEvent{.reason = "eos"});
  CHECK(stream.ended());
  stream.push(ErrorEvent{ApiError(500, "internal", "late")});
  stream.push(token(1));
  CHECK(calls == 2);
  CHECK(event_name(*stream.pop()) == "token");
  CHECK(event_name(*stream.pop()) == "done");
  CHECK_FALSE(stream.pop());

  Stream failed("", nullptr); // nobody to tell
  failed.push(ErrorEvent{ApiError(500, "internal", "x")});
  CHECK(failed.ended());
}

TEST_CASE("stream: the last place is for the last event") {
  Stream stream("", [] {});
  size_t n = 0;
  while (stream.has_room()) {
    CHECK(stream.full_for() == Stream::Clock::duration::zero());
    stream.push(token(static_cast<int>(n++)));
  }
  CHECK(n == Stream::capacity - 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  const auto full = stream.full_for();
  CHECK(full > Stream::Clock::duration::zero());
  stream.push(DoneEvent{}); // fits all the same
  CHECK(stream.full_for() >= full);
  CHECK(stream.pop());
  CHECK_FALSE(stream.has_room()); // 255 again
  CHECK(stream.full_for() > Stream::Clock::duration::zero());
  CHECK(stream.pop());
  CHECK(stream.has_room());
  CHECK(stream.full_for() == Stream::Clock::duration::zero());
}

TEST_CASE("stream: two threads") {
  Stream stream("", [] {});
  constexpr int count = 20'000;
  std::thread writer([&] {
    for (int i = 0; i < count;) {
      if (stream.has_room()) {
        stream.push(token(i++));
      } else {
        std::this_thread::yield();
      }
    }
    stream.push(DoneEvent{});
  });
  int seen = 0;
  bool in_order = true;
  for (bool done = false; !done;) {
    const auto event = stream.pop();
    if (!event) {
      std::this_thread::yield();
    } else if (const auto* t = std::get_if<TokenEvent>(&*event)) {
      in_order = in_order && t->i == seen++;
    } else {
      done = true;
    }
  }
  writer.join();
  CHECK(in_order);
  CHECK(seen == count);
}
