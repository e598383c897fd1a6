// SPDX-License-Identifier: MIT
//
// Reading a text for looking into it, and how it falls into tokens.

#include "llm/serving/looks.h"
#include "llm/serving/token_details.h"

namespace llm::serving {

Run read_run(const ModelHandle& model, const InspectRequest& request) {
  const UsableModel& use = model->use;
  const std::vector<int32_t> tokens = request.tokens
      ? *request.tokens
      : use.tokenizer->encode(request.text.value_or(""), {.add_special = true});
  const size_t context = use.model->context_length();
  if (tokens.size() > context) {
    throw ApiError(
        400,
        "context_length_exceeded",
        "expected at most " + std::to_string(context) +
            " tokens, the context of this model, but received " +
            std::to_string(tokens.size()) + "; shorten the text.",
        request.tokens ? "tokens" : "text");
  }
  if (tokens.empty()) {
    throw ApiError(
        400,
        "invalid_value",
        "expected a text of at least one token but received none.",
        request.tokens ? "tokens" : "text");
  }
  for (const int layer : request.layers) {
    if (layer >= use.model->layer_count()) {
      throw ApiError(
          400,
          "out_of_range",
          "expected layers from 0 to " +
              std::to_string(use.model->layer_count() - 1) + " but received " +
              std::to_string(layer) + ".",
          "layers");
    }
  }
  auto reading = inspect::read(
      *use.model,
      tokens,
      {.queries = request.attention,
       .layers = request.layers,
       .interventions = {},
       .encode = {},
       .go_on = {}});
  return {random_id(), model, std::move(*reading), {}};
}

Json tokens_of(
    const Tokenizer& tokenizer,
    const std::string& text,
    bool special) {
  Json out = Json::array();
  size_t at = 0;
  for (const int32_t id : tokenizer.encode(text, {.special = special})) {
    const TokenText token = token_text(tokenizer, id);
    // Where normalization changes the text, the bytes are those of the tokens.
    const size_t end = std::min(text.size(), at + token.bytes.size());
    Json json = serving::to_json(token);
    json["start"] = at;
    json["end"] = end;
    out.push_back(std::move(json));
    at = end;
  }
  return out;
}

} // namespace llm::serving
