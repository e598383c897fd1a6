// SPDX-License-Identifier: MIT
//
// What a generation tells while it runs, as plain structs, and as JSON. A
// stream is: start, prefill*, token*, then exactly one of done and error.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "llm/serving/error.h"
#include "llm/serving/requests.h"

namespace llm::serving {

/** A token for people (`text`, where bytes that are no UTF-8 are U+FFFD) and
 * for programs (`bytes`). */
struct TokenText {
  int32_t id = 0;
  std::string text, bytes;
};

struct StartEvent {
  std::string id; ///< 128 random bits in hex; names the generation
  std::optional<std::string> run; ///< with capture
  std::string model;
  GenerateRequest request; ///< with everything that was left out filled in
  std::vector<std::pair<std::string, std::string>> chain; ///< name, effect
  std::vector<TokenText> prompt;
};

struct PrefillEvent {
  int done = 0, total = 0;
  bool loading = false; ///< the model itself is still read from disk
};

/** One of the likeliest tokens at a place. */
struct Alternative {
  TokenText token;
  float logprob_raw = 0; ///< nats, of the model
  float prob_final = 0;  ///< after the sampler chain
  std::string cut_by;    ///< the stage that removed it, or ""
};

struct TokenEvent {
  int i = 0;
  int32_t id = 0;
  std::string text;  ///< whole characters to show now, often none or several
  std::string bytes; ///< of this token alone
  float logprob_raw = 0;
  double ms = 0; ///< since the token before it
  /// With top_logprobs > 0.
  struct Details {
    float prob_final = 0, entropy = 0; ///< entropy of the model's, in nats
    int rank = 1;                      ///< 1: the likeliest of the model's
    std::vector<Alternative> top;
  };
  std::optional<Details> details;
  /// With capture: by head, 255 sqrt(weight) on each position so far.
  std::optional<std::pair<int, std::map<int, std::string>>> attention;
};

struct Usage {
  int prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0;
};

struct Timings { ///< milliseconds
  double queue = 0, prefill = 0, first_token = 0, decode = 0;
  double tokens_per_s = 0;
};

struct DoneEvent {
  std::string reason; ///< eos, stop, length, cancelled, context
  Usage usage;
  Timings timings;
  std::optional<std::string> run;
};

struct ErrorEvent {
  ApiError error;
};

using Event =
    std::variant<StartEvent, PrefillEvent, TokenEvent, DoneEvent, ErrorEvent>;

/** "start", "prefill", "token", "done" or "error". */
std::string event_name(const Event& event);
/** The event's data, by the names of web.md 4.3. */
Json to_json(const Event& event);
/** The same as text, quickly. */
std::string event_data(const Event& event);
Json to_json(const TokenText& token);
/** The effective values, as a request would give them. */
Json to_json(const GenerateRequest& request);

/** The one answer of "stream": false: all events of a generation. Throws the
 * ApiError that ended it. */
Json whole_answer(const std::vector<Event>& events);

} // namespace llm::serving
