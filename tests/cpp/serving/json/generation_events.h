// SPDX-License-Identifier: MIT
//
// The events of a small generation: "H", then "é" in two tokens, then "!".

#pragma once

#include <vector>

#include "llm/serving/events.h"

namespace llm::test {

inline serving::StartEvent start_event() {
  serving::StartEvent start;
  start.id = "0123";
  start.model = "tales-1";
  start.request.sampling.temperature = 0.7f;
  start.request.sampling.seed = 7;
  start.request.stop = {"\n"};
  start.chain = {{"temperature", "divides by 0.7"}};
  start.prompt = {{4, "H", "H"}};
  return start;
}

inline serving::DoneEvent done_event(const std::string& reason) {
  serving::DoneEvent done;
  done.reason = reason;
  done.usage = {1, 0, 3};
  done.timings = {0.25, 1, 1.5, 2, 1000};
  return done;
}

inline serving::TokenEvent token_event(
    int i,
    const std::string& text,
    const std::string& bytes,
    float logprob,
    std::vector<serving::Alternative> top = {}) {
  serving::TokenEvent token;
  token.i = i;
  token.id = 10 + i;
  token.text = text;
  token.bytes = bytes;
  token.logprob_raw = logprob;
  if (!top.empty()) {
    token.details.emplace();
    token.details->top = std::move(top);
  }
  return token;
}

/** Text "Hé!"; the first token has alternatives, and is not among them. */
inline std::vector<serving::Event> a_generation() {
  return {
      start_event(),
      serving::PrefillEvent{1, 1},
      token_event(
          0,
          "H",
          "H",
          -2,
          {{{20, "A", "A"}, -0.5f, 0.6f, ""},
           {{21, "\xef\xbf\xbd", "\xe2\x80"}, -1, 0.2f, "top-k"}}),
      token_event(1, "", "\xc3", -0.25f, {{{11, "", "\xc3"}, -0.25f, 1, ""}}),
      token_event(2, "é!", "\xa9!", -0.125f, {{{12, "", "\xa9!"}, -0.125f}}),
      done_event("stop")};
}

} // namespace llm::test
