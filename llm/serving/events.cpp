// SPDX-License-Identifier: MIT

#include "llm/serving/events.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "llm/core/utf8.h"

namespace llm::serving {

namespace {

std::string clean(std::string_view text) {
  return replace_invalid_utf8(text);
}

Json or_null(const std::optional<std::string>& text) {
  return text ? Json(clean(*text)) : Json(nullptr);
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

// A token is told thousands of times, on a thread that shares its processor
// with those that compute: its text is written without a tree in between.

/** Nine digits give the same float again. */
void append(std::string& out, float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", static_cast<double>(value));
  out += std::isfinite(value) ? text : "null";
}

void append(std::string& out, std::string_view text) {
  out += Json(clean(text)).dump();
}

/** "id":7,"text":"a","bytes":[97] */
void append(
    std::string& out,
    int32_t id,
    std::string_view text,
    std::string_view bytes) {
  out.append("\"id\":").append(std::to_string(id)).append(",\"text\":");
  append(out, text);
  out += ",\"bytes\":[";
  for (size_t i = 0; i < bytes.size(); ++i) {
    out += i > 0 ? "," : "";
    out += std::to_string(static_cast<unsigned char>(bytes[i]));
  }
  out += "]";
}

void append(std::string& out, const Alternative& a) {
  out += "{";
  append(out, a.token.id, a.token.text, a.token.bytes);
  out += ",\"logprob_raw\":";
  append(out, a.logprob_raw);
  out += ",\"prob_final\":";
  append(out, a.prob_final);
  out += ",\"cut_by\":";
  out += a.cut_by.empty() ? "null" : Json(clean(a.cut_by)).dump();
  out += "}";
}

void append(std::string& out, const TokenEvent::Details& details) {
  out += ",\"prob_final\":";
  append(out, details.prob_final);
  out += ",\"entropy\":";
  append(out, details.entropy);
  out += ",\"rank\":" + std::to_string(details.rank) + ",\"top\":[";
  for (size_t i = 0; i < details.top.size(); ++i) {
    out += i > 0 ? "," : "";
    append(out, details.top[i]);
  }
  out += "]";
}

std::string token_json(const TokenEvent& token) {
  std::string out = "{\"i\":" + std::to_string(token.i) + ",";
  append(out, token.id, token.text, token.bytes);
  out += ",\"logprob_raw\":";
  append(out, token.logprob_raw);
  if (token.details) {
    append(out, *token.details);
  }
  if (token.attention) {
    const auto& [layer, rows] = *token.attention;
    out += ",\"attn\":{\"layer\":" + std::to_string(layer) + ",\"rows\":{";
    const char* comma = "";
    for (const auto& [head, row] : rows) {
      out.append(comma).append("\"").append(std::to_string(head));
      out.append("\":\"").append(base64(row)).append("\"");
      comma = ",";
    }
    out += "}}";
  }
  return out + ",\"ms\":" + Json(milliseconds(token.ms)).dump() + "}";
}

Json to_json(const TokenEvent& token) {
  return Json::parse(token_json(token));
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

std::string event_data(const Event& event) {
  if (const auto* token = std::get_if<TokenEvent>(&event)) {
    return token_json(*token);
  }
  // Texts are valid UTF-8 by then; a defect there must not end the stream.
  return to_json(event).dump(-1, ' ', false, Json::error_handler_t::replace);
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
