// SPDX-License-Identifier: MIT
//
// OpenAI's bodies. Clients send null for what is not given, so null is absent
// here. Defaults are OpenAI's: 16 tokens of a completion, a chat until it ends.

#include "llm/serving/error.h"
#include "llm/serving/openai.h"
#include "llm/serving/request_parts.h"

namespace llm::serving {

namespace {

constexpr int most_tokens = 1'000'000;

std::vector<std::string> names(OpenAIKind kind) {
  std::vector<std::string> all = {
      "model",
      "max_tokens",
      "n",
      "stop",
      "stream",
      "stream_options",
      "logprobs",
      "user"};
  if (kind == OpenAIKind::chat) {
    all.insert(
        all.end(), {"messages", "max_completion_tokens", "top_logprobs"});
  } else {
    all.insert(all.end(), {"prompt", "echo"});
  }
  return with_sampling(std::move(all));
}

[[noreturn]] void
unsupported(const Field& field, const std::string& only, const char* why) {
  refuse("invalid_value", field.param, only, shown(field.json), why);
}

/** A text or token ids, each of them perhaps in a list of one. */
void read_prompt(const Field& field, GenerateRequest& request) {
  const Json& json = field.json;
  const bool is_list = json.is_array() && !json.empty() &&
      (json[0].is_string() || json[0].is_array());
  if (is_list && json.size() > 1) {
    refuse(
        "invalid_value",
        field.param,
        "as one text",
        std::to_string(json.size()),
        "send one request for each");
  }
  const Field prompt = is_list ? field.at(0) : field;
  if (prompt.json.is_array()) {
    request.prompt_tokens = read_ids(prompt, 1, most_tokens);
  } else {
    request.prompt = read_text(prompt);
  }
}

/** A text, or a list of {"type": "text", "text"}. */
std::string read_content(const Field& field) {
  if (!field.json.is_array()) {
    return read_text(field);
  }
  std::string text;
  for (size_t i = 0, n = read_list(field, 1, 256); i < n; ++i) {
    const Fields part(field.at(i), {"type", "text"});
    if (part["type"].json != "text") {
      unsupported(part["type"], "\"text\"", "send texts only");
    }
    text += read_text(part["text"]);
  }
  return text;
}

Json read_chat(const Field& field) {
  Json messages = Json::array();
  for (size_t i = 0, n = read_list(field, 1, 256); i < n; ++i) {
    const Fields message(field.at(i), {"role", "content"});
    messages.push_back(
        {{"role", read_role(message["role"])},
         {"content", read_content(message["content"])}});
  }
  return messages;
}

int read_max_tokens(const Fields& fields, OpenAIKind kind) {
  if (kind == OpenAIKind::completion) {
    return static_cast<int>(fields.whole("max_tokens", 1, most_tokens, 16));
  }
  if (fields.has("max_tokens") && fields.has("max_completion_tokens")) {
    expect_one_of(fields, "max_tokens", "max_completion_tokens");
  }
  const char* const name =
      fields.has("max_tokens") ? "max_tokens" : "max_completion_tokens";
  return static_cast<int>(fields.whole(name, 1, most_tokens, most_tokens));
}

void read_logprobs(const Fields& fields, OpenAIRequest& request) {
  int& top = request.generate.top_logprobs;
  if (request.kind == OpenAIKind::completion) {
    request.logprobs = fields.has("logprobs");
    top = static_cast<int>(fields.whole("logprobs", 0, 20, 0));
    return;
  }
  request.logprobs = fields.flag("logprobs", false);
  top = static_cast<int>(fields.whole("top_logprobs", 0, 20, 0));
  if (fields.has("top_logprobs") && !request.logprobs) {
    unsupported(
        fields["top_logprobs"],
        "only with \"logprobs\": true",
        "set it or leave this out");
  }
}

void read_stream(const Fields& fields, OpenAIRequest& request) {
  request.generate.stream = fields.flag("stream", false);
  if (!fields.has("stream_options")) {
    return;
  }
  const Field options = fields["stream_options"];
  const Fields inner(options, {"include_usage"}, true);
  request.include_usage = inner.flag("include_usage", false);
  if (!request.generate.stream) {
    unsupported(
        options, "only with \"stream\": true", "set it or leave this out");
  }
}

/** What is accepted with one value only. */
void check_fixed(const Fields& fields) {
  if (fields.whole("n", 1, INT32_MAX, 1) != 1) {
    unsupported(fields["n"], "1", "send one request for each answer");
  }
  if (fields.has("echo") && fields.flag("echo", false)) {
    unsupported(fields["echo"], "false", "leave it out");
  }
  if (fields.has("user")) {
    read_text(fields["user"]);
  }
}

} // namespace

OpenAIRequest read_openai(const Json& body, OpenAIKind kind) {
  const Fields fields({body, ""}, names(kind), true);
  OpenAIRequest request;
  request.kind = kind;
  GenerateRequest& generate = request.generate;
  generate.model = read_model(fields);
  if (kind == OpenAIKind::chat) {
    generate.messages = read_chat(fields["messages"]);
  } else {
    read_prompt(fields["prompt"], generate);
  }
  check_fixed(fields);
  generate.seed_given = read_sampling(fields, generate.sampling);
  generate.max_tokens = read_max_tokens(fields, kind);
  if (fields.has("stop") && fields["stop"].json.is_string()) {
    generate.stop = {read_text(fields["stop"], 1, 256)};
  } else if (fields.has("stop")) {
    generate.stop = read_stop(fields["stop"]);
  }
  read_logprobs(fields, request);
  read_stream(fields, request);
  return request;
}

} // namespace llm::serving
