// SPDX-License-Identifier: MIT
//
// POST /api/generate.

#include "llm/serving/error.h"
#include "llm/serving/request_parts.h"
#include "llm/serving/requests.h"

namespace llm::serving {

namespace {

constexpr int most_tokens = 1'000'000;

void read_messages(const Field& field) {
  for (size_t i = 0, n = read_list(field, 1, 256); i < n; ++i) {
    const Fields message(field.at(i), {"role", "content"});
    read_role(message["role"]);
    read_text(message["content"]);
  }
}

std::map<int, int32_t> read_force(const Field& field) {
  std::map<int, int32_t> force;
  for (size_t i = 0, n = read_list(field, 0, most_tokens); i < n; ++i) {
    const Fields entry(field.at(i), {"i", "id"});
    const Field place = entry["i"];
    const auto at = static_cast<int>(read_whole(place, 0, most_tokens - 1));
    if (!force.emplace(at, read_index(entry["id"])).second) {
      refuse(
          "invalid_value",
          place.param,
          "different from those before it",
          std::to_string(at) + " again",
          "force one token at a place");
    }
  }
  return force;
}

std::optional<Capture> read_capture(const Field& field) {
  if (field.json.is_null()) {
    return std::nullopt;
  }
  const Fields fields(field, {"layer", "heads"});
  Capture capture;
  capture.layer = read_index(fields["layer"]);
  if (fields.has("heads")) {
    capture.heads = read_ids(fields["heads"], 0, 1024);
    expect_different(fields["heads"], capture.heads);
  }
  return capture;
}

const std::vector<std::string>& names() {
  static const std::vector<std::string> all = with_sampling(
      {"model",
       "prompt",
       "messages",
       "max_tokens",
       "stop",
       "top_logprobs",
       "force",
       "capture",
       "interventions",
       "stream"});
  return all;
}

} // namespace

GenerateRequest read_generate(const Json& body) {
  const Fields fields({body, ""}, names());
  GenerateRequest request;
  request.model = read_model(fields);
  expect_one_of(fields, "prompt", "messages");
  if (fields.has("prompt")) {
    request.prompt = read_text(fields["prompt"]);
  } else {
    read_messages(fields["messages"]);
    request.messages = fields["messages"].json;
  }
  request.seed_given = read_sampling(fields, request.sampling);
  request.max_tokens = static_cast<int>(
      fields.whole("max_tokens", 1, most_tokens, request.max_tokens));
  if (fields.has("stop")) {
    request.stop = read_stop(fields["stop"]);
  }
  request.top_logprobs =
      static_cast<int>(fields.whole("top_logprobs", 0, 20, 0));
  if (fields.has("force")) {
    request.force = read_force(fields["force"]);
  }
  if (fields.has("capture")) {
    request.capture = read_capture(fields["capture"]);
  }
  if (fields.has("interventions")) {
    request.interventions =
        read_interventions(fields["interventions"], 0, false);
  }
  request.stream = fields.flag("stream", true);
  return request;
}

} // namespace llm::serving
