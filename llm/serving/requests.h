// SPDX-License-Identifier: MIT
//
// What clients ask for, as plain structs, and how it is read from JSON. Reading
// is strict: an unknown field, a wrong type or a value out of range is an
// ApiError that names the parameter and its range; nothing is ignored.

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llm/core/json.h"
#include "llm/generation/sampling_config.h"
#include "llm/inspect/intervention.h"

namespace llm::serving {

/** Live rows of the attention of one layer. */
struct Capture {
  int layer = 0;
  std::vector<int> heads; ///< empty: all of them
};

/** POST /api/generate, and what the OpenAI routes are translated to. */
struct GenerateRequest {
  std::string model; ///< id; "": the default model
  std::optional<std::string> prompt;
  std::optional<std::vector<int32_t>> prompt_tokens; ///< in place of a text
  Json messages;                ///< null, or [{"role", "content"}, ...]
  SamplingConfig sampling = {}; ///< with the seed; see seed_given
  bool seed_given = false;      ///< false: the server draws one
  int max_tokens = 256;
  std::vector<std::string> stop;
  int top_logprobs = 0;
  std::map<int, int32_t> force; ///< token at place i of the output -> id
  std::optional<Capture> capture;
  std::vector<inspect::Intervention> interventions;
  bool stream = true;
};

/** POST /api/inspect. */
struct InspectRequest {
  std::string model;
  std::optional<std::string> text;
  std::optional<std::vector<int32_t>> tokens;
  bool attention = true;   ///< keep queries; the lens needs none
  std::vector<int> layers; ///< whose; empty: all
};

/** POST /api/whatif. */
struct WhatIfRequest {
  std::string run;
  std::vector<inspect::Intervention> interventions;
};

/** POST /api/tokenize. */
struct TokenizeRequest {
  std::string model, text;
  bool special = false;
};

/** The body of a POST: one JSON object, at most 64 deep. ApiError
 * invalid_json with line and column. */
Json parse_body(std::string_view body);

GenerateRequest read_generate(const Json& body);
InspectRequest read_inspect(const Json& body);
WhatIfRequest read_whatif(const Json& body);
TokenizeRequest read_tokenize(const Json& body);
/** The "id" of POST /api/models/load and /api/cancel. */
std::string read_id(const Json& body);

/** The parameters of a query ("a=1&b=2", percent-decoded by the caller) that
 * belong to the sampler chain, as GET .../stages takes them; the others stay in
 * `query`. */
SamplingConfig take_sampling(std::map<std::string, std::string>& query);

/** A whole number of a query, taken out of it; the fallback when it is absent;
 * without one: ApiError missing_param. */
int take_int(
    std::map<std::string, std::string>& query,
    const std::string& name,
    int low,
    int high,
    std::optional<int> fallback = std::nullopt);

/** ApiError unknown_param for the first that was not taken. */
void expect_nothing_left(const std::map<std::string, std::string>& query);

} // namespace llm::serving
