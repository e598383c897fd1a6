// SPDX-License-Identifier: MIT

#include "llm/serving/events.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "llm/core/utf8.h"

namespace llm::serving {

namespace {

std::string clean(std::string_view text) {
  return replace_invalid_utf8(text);
}

Json or_null(const std::optional<std::string>& text) {
  return text ? Json(clean(*text)) : Json(nullptr);
}

/** Nine digits give the same float again; its double would have seventeen. */
double number(float value) {
  if (!std::isfinite(value)) {
    return value; // null in JSON
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
  return std::strtod(text, nullptr);
}

/** To the microsecond: more says nothing. */
double milliseconds(double ms) {
  return std::round(ms * 1000) / 1000;
}

Json byte_list(std::string_view bytes) {
  Json list = Json::array();
  for (const char byte : bytes) {
    list.push_back(static_cast<unsigned char>(byte));
  }
  return list;
}

/** RFC 4648, with padding. */
std::string base64(std::string_view bytes) {
  constexpr char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t bits = 0; // three bytes
    for (size_t j = i; j < i + 3; ++j) {
      const char byte = j < bytes.size() ? bytes[j] : '\0';
      bits = bits << 8 | static_cast<unsigned char>(byte);
    }
    const size_t used = std::min<size_t>(bytes.size() - i, 3) + 1;
    for (size_t j = 0; j < 4; ++j) {
      out += j < used ? digits[bits >> (18 - 6 * j) & 63] : '=';
    }
  }
  return out;
}

Json to_json(const StartEvent& start) {
  Json chain = Json::array();
  for (const auto& [name, effect] : start.chain) {
    chain.push_back({{"name", clean(name)}, {"effect", clean(effect)}});
  }
  Json prompt = Json::array();
  for (const TokenText& token : start.prompt) {
    prompt.push_back(to_json(token));
  }
  return {
      {"id", start.id},
      {"run", or_null(start.run)},
      {"model", clean(start.model)},
      {"seed", start.request.sampling.seed},
      {"params", to_json(start.request)},
      {"chain", chain},
      {"prompt", prompt},
      {"protocol", 1}};
}

Json to_json(const PrefillEvent& prefill) {
  Json json = {{"done", prefill.done}, {"total", prefill.total}};
  if (prefill.loading) {
    json["loading"] = true;
  }
  return json;
}

Json to_json(const Alternative& a) {
  Json json = to_json(a.token);
  json["logprob_raw"] = number(a.logprob_raw);
  json["prob_final"] = number(a.prob_final);
  json["cut_by"] = a.cut_by.empty() ? Json(nullptr) : Json(clean(a.cut_by));
  return json;
}

Json to_json(const TokenEvent& token) {
  Json json = {
      {"i", token.i},
      {"id", token.id},
      {"text", clean(token.text)},
      {"bytes", byte_list(token.bytes)},
      {"logprob_raw", number(token.logprob_raw)}};
  if (token.details) {
    json["prob_final"] = number(token.details->prob_final);
    json["entropy"] = number(token.details->entropy);
    json["rank"] = token.details->rank;
    json["top"] = Json::array();
    for (const Alternative& a : token.details->top) {
      json["top"].push_back(to_json(a));
    }
  }
  if (token.attention) {
    Json rows = Json::object();
    for (const auto& [head, row] : token.attention->second) {
      rows[std::to_string(head)] = base64(row);
    }
    json["attn"] = {{"layer", token.attention->first}, {"rows", rows}};
  }
  json["ms"] = milliseconds(token.ms);
  return json;
}

Json to_json(const Usage& usage) {
  return {
      {"prompt_tokens", usage.prompt_tokens},
      {"cached_tokens", usage.cached_tokens},
      {"completion_tokens", usage.completion_tokens},
      {"total_tokens", usage.prompt_tokens + usage.completion_tokens}};
}

Json to_json(const Timings& timings) {
  return {
      {"queue_ms", milliseconds(timings.queue)},
      {"prefill_ms", milliseconds(timings.prefill)},
      {"first_token_ms", milliseconds(timings.first_token)},
      {"decode_ms", milliseconds(timings.decode)},
      {"tokens_per_s", milliseconds(timings.tokens_per_s)}};
}

Json to_json(const DoneEvent& done) {
  return {
      {"reason", done.reason},
      {"usage", to_json(done.usage)},
      {"timings", to_json(done.timings)},
      {"run", or_null(done.run)}};
}

Json to_json(const ErrorEvent& error) {
  return to_json(error.error);
}

} // namespace

std::string event_name(const Event& event) {
  constexpr const char* names[] = {
      "start", "prefill", "token", "done", "error"};
  return names[event.index()];
}

Json to_json(const TokenText& token) {
  return {
      {"id", token.id},
      {"text", clean(token.text)},
      {"bytes", byte_list(token.bytes)}};
}

Json to_json(const Event& event) {
  return std::visit([](const auto& e) { return to_json(e); }, event);
}

Json whole_answer(const std::vector<Event>& events) {
  Json answer = Json::object();
  Json tokens = Json::array();
  std::string text;
  for (const Event& event : events) {
    if (const auto* error = std::get_if<ErrorEvent>(&event)) {
      throw error->error;
    } else if (std::holds_alternative<StartEvent>(event)) {
      answer = to_json(event);
      answer.erase("protocol");
    } else if (const auto* token = std::get_if<TokenEvent>(&event)) {
      tokens.push_back(to_json(event));
      text += token->text;
    } else if (const auto* done = std::get_if<DoneEvent>(&event)) {
      answer["tokens"] = std::move(tokens);
      answer["text"] = clean(text);
      answer.update(to_json(*done));
      return answer;
    }
  }
  throw ApiError(500, "internal", "the generation ended without a last event.");
}

} // namespace llm::serving
