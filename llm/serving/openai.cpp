// SPDX-License-Identifier: MIT
//
// Log-probabilities are the model's own, in nats, before the sampler, as
// OpenAI's are. A token that is no UTF-8 by itself is "bytes:\xe2\x80" in a
// completion, as OpenAI writes it; a chat has the bytes beside the text.

#include "llm/serving/openai.h"

#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>

#include "llm/core/utf8.h"

namespace llm::serving {

namespace {

/** OpenAI's number for what is too unlikely to be told. */
double logprob(float value) {
  return std::isfinite(value) ? value : -9999.0;
}

/** The characters of a valid text. */
int length(std::string_view text) {
  return static_cast<int>(
      std::count_if(text.begin(), text.end(), [](char byte) {
        return (static_cast<unsigned char>(byte) & 0xc0) != 0x80;
      }));
}

/** The key of a token in a completion. */
std::string token_name(const std::string& bytes) {
  if (!find_utf8_error(bytes)) {
    return bytes;
  }
  std::string name = "bytes:";
  for (const char byte : bytes) {
    char hex[8];
    std::snprintf(hex, sizeof hex, "\\x%02x", static_cast<unsigned char>(byte));
    name += hex;
  }
  return name;
}

Json chat_token(const std::string& bytes, float value) {
  Json list = Json::array();
  for (const char byte : bytes) {
    list.push_back(static_cast<unsigned char>(byte));
  }
  return {
      {"token", replace_invalid_utf8(bytes)},
      {"logprob", logprob(value)},
      {"bytes", list}};
}

Json chat_logprobs(const TokenEvent& token) {
  Json entry = chat_token(token.bytes, token.logprob_raw);
  entry["top_logprobs"] = Json::array();
  if (token.details) {
    for (const Alternative& a : token.details->top) {
      entry["top_logprobs"].push_back(chat_token(a.token.bytes, a.logprob_raw));
    }
  }
  return {{"content", Json::array({entry})}, {"refusal", nullptr}};
}

/** The likeliest, and the token itself: so up to one more than asked for. */
Json completion_logprobs(const TokenEvent& token, int offset) {
  Json top = Json::object();
  if (token.details) {
    for (const Alternative& a : token.details->top) {
      top.emplace(token_name(a.token.bytes), logprob(a.logprob_raw));
    }
  }
  const std::string name = token_name(token.bytes);
  top.emplace(name, logprob(token.logprob_raw)); // unless it is there
  return {
      {"tokens", Json::array({name})},
      {"token_logprobs", Json::array({logprob(token.logprob_raw)})},
      {"top_logprobs", Json::array({top})},
      {"text_offset", Json::array({offset})}};
}

/** Appends the lists of `more` to those of `all`. */
void append(Json& all, const Json& more) {
  if (all.is_null()) {
    all = more;
    return;
  }
  for (const auto& [name, list] : more.items()) {
    for (const Json& entry : list) {
      all[name].push_back(entry);
    }
  }
}

std::string finish_reason(const std::string& reason) {
  return reason == "length" || reason == "context" ? "length" : "stop";
}

Json usage(const Usage& usage) {
  return {
      {"prompt_tokens", usage.prompt_tokens},
      {"completion_tokens", usage.completion_tokens},
      {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
      {"prompt_tokens_details", {{"cached_tokens", usage.cached_tokens}}}};
}

} // namespace

OpenAIAnswer::OpenAIAnswer(const OpenAIRequest& request) : request_(request) {}

void OpenAIAnswer::begin(const StartEvent& start) {
  const bool chat = request_.kind == OpenAIKind::chat;
  id_ = (chat ? "chatcmpl-" : "cmpl-") + start.id;
  model_ = start.model;
  created_ = static_cast<int64_t>(std::time(nullptr));
}

Json OpenAIAnswer::envelope(bool stream) const {
  const char* const object = request_.kind == OpenAIKind::completion
      ? "text_completion"
      : stream ? "chat.completion.chunk"
               : "chat.completion";
  return {
      {"id", id_},
      {"object", object},
      {"created", created_},
      {"model", replace_invalid_utf8(model_)}};
}

std::string OpenAIAnswer::chunk(Json choice) const {
  Json json = envelope(true);
  json["choices"] = Json::array({std::move(choice)});
  if (request_.include_usage) {
    json["usage"] = nullptr; // the last chunk has it
  }
  return json.dump();
}

Json OpenAIAnswer::logprobs(const TokenEvent& token) {
  if (!request_.logprobs) {
    return nullptr;
  }
  if (request_.kind == OpenAIKind::chat) {
    return chat_logprobs(token);
  }
  return completion_logprobs(token, offset(token.bytes));
}

// Where a token begins in the text. One that is a part of a character begins
// where that character does, or what stands in its place.
int OpenAIAnswer::offset(const std::string& bytes) {
  const int before = characters_;
  characters_ += length(decoder_.push(bytes));
  return find_utf8_error(bytes) ? before : characters_ - length(bytes);
}

std::vector<std::string> OpenAIAnswer::chunks(const Event& event) {
  const bool chat = request_.kind == OpenAIKind::chat;
  const auto choice = [&](Json delta, Json logprobs, Json reason) -> Json {
    return {
        {"index", 0},
        {chat ? "delta" : "text", std::move(delta)},
        {"logprobs", std::move(logprobs)},
        {"finish_reason", std::move(reason)}};
  };
  if (const auto* start = std::get_if<StartEvent>(&event)) {
    begin(*start);
    if (!chat) {
      return {};
    }
    return {chunk(
        choice({{"role", "assistant"}, {"content", ""}}, nullptr, nullptr))};
  }
  if (const auto* token = std::get_if<TokenEvent>(&event)) {
    if (token->text.empty() && !request_.logprobs) {
      return {}; // held back: it comes with a later one
    }
    const std::string text = replace_invalid_utf8(token->text);
    Json delta = chat ? Json::object({{"content", text}}) : Json(text);
    return {chunk(choice(std::move(delta), logprobs(*token), nullptr))};
  }
  if (const auto* done = std::get_if<DoneEvent>(&event)) {
    std::vector<std::string> out = {chunk(choice(
        chat ? Json::object() : Json(""),
        nullptr,
        finish_reason(done->reason)))};
    if (request_.include_usage) {
      Json last = envelope(true);
      last["choices"] = Json::array();
      last["usage"] = usage(done->usage);
      out.push_back(last.dump());
    }
    out.emplace_back("[DONE]");
    return out;
  }
  if (const auto* error = std::get_if<ErrorEvent>(&event)) {
    return {to_json(error->error).dump(), "[DONE]"};
  }
  return {}; // prefill
}

Json OpenAIAnswer::whole(const std::vector<Event>& events) {
  std::string text;
  Json all = nullptr;
  for (const Event& event : events) {
    if (const auto* error = std::get_if<ErrorEvent>(&event)) {
      throw error->error;
    } else if (const auto* start = std::get_if<StartEvent>(&event)) {
      begin(*start);
    } else if (const auto* token = std::get_if<TokenEvent>(&event)) {
      text += token->text;
      if (request_.logprobs) {
        append(all, logprobs(*token));
      }
    } else if (const auto* done = std::get_if<DoneEvent>(&event)) {
      text = replace_invalid_utf8(text);
      Json choice = {{"index", 0}};
      if (request_.kind == OpenAIKind::chat) {
        choice["message"] = {
            {"role", "assistant"}, {"content", text}, {"refusal", nullptr}};
      } else {
        choice["text"] = text;
      }
      choice["logprobs"] = all;
      choice["finish_reason"] = finish_reason(done->reason);
      Json answer = envelope(false);
      answer["choices"] = Json::array({choice});
      answer["usage"] = usage(done->usage);
      return answer;
    }
  }
  throw ApiError(500, "internal", "the generation ended without a last event.");
}

Json openai_models(const std::vector<ModelInfo>& models) {
  Json list = Json::array();
  for (const ModelInfo& model : models) {
    struct stat file{};
    const auto& path = model.adapter.empty() ? model.path : model.adapter;
    const bool there = ::stat(path.c_str(), &file) == 0;
    if (model.state != "failed") {
      list.push_back(
          {{"id", model.id},
           {"object", "model"},
           {"created", there ? int64_t{file.st_mtime} : int64_t{0}},
           {"owned_by", "you"}});
    }
  }
  return {{"object", "list"}, {"data", list}};
}

} // namespace llm::serving
