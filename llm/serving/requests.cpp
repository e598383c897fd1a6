// SPDX-License-Identifier: MIT

#include "llm/serving/requests.h"

#include "llm/core/error.h"
#include "llm/serving/error.h"
#include "llm/serving/request_parts.h"

namespace llm::serving {

namespace {

// More than the tokens of any context; each takes 16 bytes or more.
constexpr size_t max_values = 150'000;

/** "all" or a list of layers: all of them are an empty list. */
std::vector<int> read_layers(const Field& field) {
  if (field.json.is_string()) {
    if (field.json != "all") {
      refuse(
          "invalid_value",
          field.param,
          "\"all\" or a list of layers",
          shown(field.json),
          "correct the text");
    }
    return {};
  }
  const std::vector<int32_t> layers = read_ids(field, 1, 4096);
  expect_different(field, layers);
  return layers;
}

/** Whether attention is among what is wanted; the lens needs nothing kept. */
bool wants_attention(const Field& field) {
  bool wanted = false;
  for (size_t i = 0, n = read_list(field, 1, 2); i < n; ++i) {
    const std::string what = read_text(field.at(i));
    if (what != "attention" && what != "lens") {
      refuse(
          "invalid_value",
          field.at(i).param,
          "\"attention\" or \"lens\"",
          shown(field.json[i]),
          "correct the text");
    }
    wanted = wanted || what == "attention";
  }
  return wanted;
}

} // namespace

Json parse_body(std::string_view body) {
  Json json;
  try {
    json = parse_json(body, "body", max_values);
  } catch (const InputError& error) {
    // "[body] 1:2: expected ... but received ...; advice on files."
    std::string message = for_a_client(error.what());
    message.erase(message.rfind("; "));
    throw ApiError(400, "invalid_json", message + "; correct the body.");
  }
  if (!json.is_object()) {
    refuse("wrong_type", "", "as an object", shown(json), "put it in { }");
  }
  return json;
}

InspectRequest read_inspect(const Json& body) {
  const Fields fields(
      {body, ""}, {"model", "text", "tokens", "capture", "layers"});
  InspectRequest request;
  request.model = read_model(fields);
  expect_one_of(fields, "text", "tokens");
  if (fields.has("text")) {
    request.text = read_text(fields["text"]);
  } else {
    request.tokens = read_ids(fields["tokens"], 1, max_values);
  }
  if (fields.has("capture")) {
    request.attention = wants_attention(fields["capture"]);
  }
  if (fields.has("layers")) {
    request.layers = read_layers(fields["layers"]);
  }
  return request;
}

WhatIfRequest read_whatif(const Json& body) {
  const Fields fields({body, ""}, {"run", "interventions"});
  WhatIfRequest request;
  request.run = read_text(fields["run"], 1, 256);
  request.interventions = read_interventions(fields["interventions"], 1, true);
  return request;
}

TokenizeRequest read_tokenize(const Json& body) {
  const Fields fields({body, ""}, {"model", "text", "special"});
  TokenizeRequest request;
  request.model = read_model(fields);
  request.text = read_text(fields["text"]);
  request.special = fields.flag("special", false);
  return request;
}

std::string read_id(const Json& body) {
  const Fields fields({body, ""}, {"id"});
  return read_text(fields["id"], 1, 256);
}

} // namespace llm::serving
