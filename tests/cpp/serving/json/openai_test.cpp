// SPDX-License-Identifier: MIT
//
// OpenAI's bodies and answers. That the real client accepts them is tested on
// the running server, in Python.

#include "llm/serving/openai.h"

#include <doctest/doctest.h>

#include "tests/cpp/core/temporary_folder.h"
#include "tests/cpp/serving/json/generation_events.h"
#include "tests/cpp/serving/json/refused.h"

using namespace llm;
using namespace llm::serving;
using namespace llm::test;

namespace {

OpenAIRequest completion(const std::string& fields = "") {
  return read_openai(
      parse_body(R"({"prompt":"x")" + fields + "}"), OpenAIKind::completion);
}

OpenAIRequest chat(const std::string& fields = "") {
  return read_openai(
      parse_body(
          R"({"messages":[{"role":"user","content":"x"}])" + fields + "}"),
      OpenAIKind::chat);
}

std::string wrong_completion(const std::string& field) {
  return refusal([&] { completion("," + field); });
}

std::string wrong_chat(const std::string& field) {
  return refusal([&] { chat("," + field); });
}

/** All chunks of a generation as JSON; the last must be [DONE]. */
std::vector<Json> stream(
    const OpenAIRequest& request,
    const std::vector<Event>& events) {
  OpenAIAnswer answer(request);
  std::vector<std::string> texts;
  for (const Event& event : events) {
    for (const std::string& text : answer.chunks(event)) {
      texts.push_back(text);
    }
  }
  REQUIRE_FALSE(texts.empty());
  CHECK(texts.back() == "[DONE]");
  texts.pop_back();
  std::vector<Json> out;
  for (const std::string& text : texts) {
    out.push_back(Json::parse(text));
  }
  return out;
}

} // namespace

TEST_CASE("openai: defaults are OpenAI's") {
  const OpenAIRequest c = completion();
  CHECK(c.generate.prompt == "x");
  CHECK(c.generate.max_tokens == 16);
  CHECK(c.generate.sampling.temperature == 1.0f);
  CHECK_FALSE(c.generate.stream);
  CHECK_FALSE(c.logprobs);
  CHECK_FALSE(c.include_usage);
  const OpenAIRequest d = chat();
  CHECK(d.generate.max_tokens == 1'000'000);
  CHECK(d.generate.messages.size() == 1);
  CHECK_FALSE(d.generate.prompt);
}

TEST_CASE("openai: every field is read, null is absent") {
  const OpenAIRequest c = completion(R"(,"model":"m","max_tokens":3,
    "temperature":0.5,"top_p":0.9,"n":1,"stop":"END","seed":4,"stream":true,
    "stream_options":{"include_usage":true},"logprobs":0,"user":"u",
    "presence_penalty":0.5,"frequency_penalty":-0.5,"echo":false,"top_k":9,
    "min_p":0.1,"typical_p":0.8,"repetition_penalty":1.2)");
  CHECK(c.generate.model == "m");
  CHECK(c.generate.max_tokens == 3);
  CHECK(c.generate.stop == std::vector<std::string>{"END"});
  CHECK(c.generate.seed_given);
  CHECK(c.generate.sampling.seed == 4);
  CHECK(c.generate.stream);
  CHECK(c.include_usage);
  CHECK(c.logprobs);
  CHECK(c.generate.top_logprobs == 0);
  CHECK(c.generate.sampling.top_k == 9);
  CHECK(c.generate.sampling.repetition_penalty == 1.2f);
  const OpenAIRequest d = chat(R"(,"logprobs":true,"top_logprobs":5,
    "max_completion_tokens":7,"stop":["a","b"])");
  CHECK(d.logprobs);
  CHECK(d.generate.top_logprobs == 5);
  CHECK(d.generate.max_tokens == 7);
  CHECK(d.generate.stop.size() == 2);
  CHECK(chat(R"(,"max_tokens":8)").generate.max_tokens == 8);
  const OpenAIRequest nulls = chat(R"(,"model":null,"temperature":null,
    "top_p":null,"n":null,"stop":null,"seed":null,"stream":null,"user":null,
    "stream_options":null,"logprobs":null,"top_logprobs":null,
    "max_tokens":null,"max_completion_tokens":null,"top_k":null)");
  CHECK(to_json(nulls.generate) == to_json(chat().generate));
  CHECK_FALSE(nulls.generate.seed_given);
}

TEST_CASE("openai: the forms of a prompt and of a message") {
  const auto prompt = [](const std::string& json) {
    return read_openai(
               parse_body("{\"prompt\":" + json + "}"), OpenAIKind::completion)
        .generate;
  };
  CHECK(prompt(R"("a")").prompt == "a");
  CHECK(prompt(R"(["a"])").prompt == "a");
  CHECK(prompt("[3,4]").prompt_tokens == std::vector<int32_t>{3, 4});
  CHECK(prompt("[[3,4]]").prompt_tokens == std::vector<int32_t>{3, 4});
  const auto wrong = [&](const std::string& json) {
    return refusal([&] { prompt(json); });
  };
  CHECK(wrong(R"(["a","b"])") == "400 invalid_value prompt");
  CHECK(wrong("[[1],[2]]") == "400 invalid_value prompt");
  CHECK(wrong("[]") == "400 out_of_range prompt");
  CHECK(wrong("[[]]") == "400 out_of_range prompt[0]");
  CHECK(wrong("7") == "400 wrong_type prompt");
  CHECK(wrong("[[[1]]]") == "400 wrong_type prompt[0][0]");
  CHECK(wrong("[1,\"a\"]") == "400 wrong_type prompt[1]");
  CHECK(wrong("null") == "400 missing_param prompt");

  const auto messages = [](const std::string& json) {
    return read_openai(
               parse_body("{\"messages\":" + json + "}"), OpenAIKind::chat)
        .generate.messages;
  };
  CHECK(
      messages(R"([{"role":"user","content":[{"type":"text","text":"a"},
        {"type":"text","text":"b"}]}])") ==
      Json::parse(R"([{"role":"user","content":"ab"}])"));
  CHECK(refusal([&] {
          messages(R"([{"role":"user","content":[{"type":"image_url",
          "text":"a"}]}])");
        }) == "400 invalid_value messages[0].content[0].type");
  CHECK(refusal([&] {
          messages(R"([{"role":"user","content":null}])");
        }) == "400 wrong_type messages[0].content");
}

TEST_CASE("openai: what we do not have is refused") {
  for (const char* field :
       {"\"best_of\":2", "\"suffix\":\"x\"", "\"logit_bias\":{}"}) {
    CHECK(wrong_completion(field).starts_with("400 unknown_param "));
  }
  for (const char* field :
       {"\"tools\":[]",
        "\"response_format\":{}",
        "\"prompt\":\"x\"",
        "\"echo\":false",
        "\"reasoning_effort\":\"low\""}) {
    CHECK(wrong_chat(field).starts_with("400 unknown_param "));
  }
  CHECK(
      wrong_completion("\"top_logprobs\":1") ==
      "400 unknown_param top_logprobs");
  CHECK(wrong_completion("\"n\":2") == "400 invalid_value n");
  CHECK(wrong_completion("\"n\":0") == "400 out_of_range n");
  CHECK(wrong_completion("\"echo\":true") == "400 invalid_value echo");
  CHECK(wrong_completion("\"logprobs\":true") == "400 wrong_type logprobs");
  CHECK(wrong_completion("\"logprobs\":21") == "400 out_of_range logprobs");
  CHECK(wrong_completion("\"user\":1") == "400 wrong_type user");
  CHECK(wrong_chat("\"logprobs\":1") == "400 wrong_type logprobs");
  CHECK(wrong_chat("\"top_logprobs\":1") == "400 invalid_value top_logprobs");
  CHECK(
      wrong_chat("\"logprobs\":true,\"top_logprobs\":21") ==
      "400 out_of_range top_logprobs");
  CHECK(
      wrong_chat("\"max_tokens\":1,\"max_completion_tokens\":1") ==
      "400 invalid_value max_completion_tokens");
  CHECK(
      wrong_chat("\"max_completion_tokens\":0") ==
      "400 out_of_range max_completion_tokens");
  CHECK(
      wrong_chat("\"stream_options\":{\"include_usage\":true}") ==
      "400 invalid_value stream_options");
  CHECK(
      wrong_chat("\"stream\":true,\"stream_options\":{\"x\":1}") ==
      "400 unknown_param stream_options.x");
  CHECK(wrong_chat("\"stop\":\"\"") == "400 out_of_range stop");
  CHECK(wrong_chat("\"temperature\":101") == "400 out_of_range temperature");
}

TEST_CASE("openai: a completion") {
  OpenAIAnswer answer(completion());
  Json json = answer.whole(a_generation());
  CHECK(json["created"].get<int64_t>() > 1'600'000'000);
  json.erase("created");
  CHECK(json == Json::parse(R"({"id":"cmpl-0123","object":"text_completion",
        "model":"tales-1","choices":[{"index":0,"text":"Hé!","logprobs":null,
        "finish_reason":"stop"}],"usage":{"prompt_tokens":1,
        "completion_tokens":3,"total_tokens":4,
        "prompt_tokens_details":{"cached_tokens":0}}})"));
}

TEST_CASE("openai: log-probabilities of a completion") {
  OpenAIAnswer answer(completion(",\"logprobs\":2"));
  const Json json = answer.whole(a_generation());
  CHECK(
      json["choices"][0]["logprobs"] ==
      Json::parse(R"({"tokens":["H","bytes:\\xc3","bytes:\\xa9\\x21"],
        "token_logprobs":[-2.0,-0.25,-0.125],
        "top_logprobs":[{"A":-0.5,"bytes:\\xe2\\x80":-1.0,"H":-2.0},
          {"bytes:\\xc3":-0.25},{"bytes:\\xa9\\x21":-0.125}],
        "text_offset":[0,1,1]})"));
}

TEST_CASE("openai: where tokens begin in a text that is no UTF-8") {
  // The text is "<U+FFFD>a<U+FFFD><U+FFFD>b".
  const std::vector<Event> events = {
      start_event(),
      token_event(0, "", "\xe2", -1),
      token_event(1, "", "a", -1),
      token_event(2, "", "\xff\xc3", -1),
      token_event(3, "", "b", -1),
      done_event("length")};
  OpenAIAnswer answer(completion(",\"logprobs\":0"));
  CHECK(
      answer.whole(events)["choices"][0]["logprobs"]["text_offset"] ==
      Json::parse("[0,1,2,4]"));
}

TEST_CASE("openai: a chat and its log-probabilities") {
  OpenAIAnswer plain(chat());
  const Json json = plain.whole(a_generation());
  CHECK(json["id"] == "chatcmpl-0123");
  CHECK(json["object"] == "chat.completion");
  CHECK(
      json["choices"] ==
      Json::parse(R"([{"index":0,"message":{"role":"assistant",
        "content":"Hé!","refusal":null},"logprobs":null,
        "finish_reason":"stop"}])"));
  OpenAIAnswer told(chat(",\"logprobs\":true,\"top_logprobs\":2"));
  CHECK(
      told.whole(a_generation())["choices"][0]["logprobs"]["content"][0] ==
      Json::parse(R"({"token":"H","logprob":-2.0,"bytes":[72],"top_logprobs":[
        {"token":"A","logprob":-0.5,"bytes":[65]},
        {"token":"�","logprob":-1.0,"bytes":[226,128]}]})"));
}

TEST_CASE("openai: a stream of a completion") {
  const auto chunks = stream(completion(",\"stream\":true"), a_generation());
  REQUIRE(chunks.size() == 3); // the second token has nothing to show
  std::string text;
  for (const Json& chunk : chunks) {
    CHECK(chunk["object"] == "text_completion");
    CHECK(chunk["id"] == "cmpl-0123");
    CHECK(chunk["choices"][0]["logprobs"].is_null());
    CHECK_FALSE(chunk.contains("usage"));
    text += chunk["choices"][0]["text"];
  }
  CHECK(text == "Hé!");
  CHECK(chunks[1]["choices"][0]["finish_reason"].is_null());
  CHECK(chunks[2]["choices"][0]["finish_reason"] == "stop");
}

TEST_CASE("openai: a stream of a chat, with usage") {
  const auto chunks = stream(
      chat(R"(,"stream":true,"stream_options":{"include_usage":true})"),
      a_generation());
  REQUIRE(chunks.size() == 5);
  for (size_t i = 0; i < chunks.size(); ++i) {
    CHECK(chunks[i]["object"] == "chat.completion.chunk");
    CHECK(chunks[i]["created"] == chunks[0]["created"]);
    CHECK(chunks[i]["usage"].is_null() == (i != 4));
    CHECK(chunks[i].contains("usage"));
  }
  CHECK(
      chunks[0]["choices"][0]["delta"] ==
      Json::parse(R"({"role":"assistant","content":""})"));
  CHECK(chunks[2]["choices"][0]["delta"] == Json::parse(R"({"content":"é!"})"));
  CHECK(chunks[3]["choices"][0]["delta"] == Json::object());
  CHECK(chunks[3]["choices"][0]["finish_reason"] == "stop");
  CHECK(chunks[4]["choices"] == Json::array());
  CHECK(chunks[4]["usage"]["completion_tokens"] == 3);
}

TEST_CASE("openai: a stream tells every token when it is asked to") {
  const auto c =
      stream(completion(",\"stream\":true,\"logprobs\":1"), a_generation());
  REQUIRE(c.size() == 4);
  CHECK(c[1]["choices"][0]["text"] == "");
  CHECK(
      c[1]["choices"][0]["logprobs"]["token_logprobs"] == Json::array({-0.25}));
  CHECK(c[2]["choices"][0]["logprobs"]["text_offset"] == Json::array({1}));
  const auto d =
      stream(chat(",\"stream\":true,\"logprobs\":true"), a_generation());
  REQUIRE(d.size() == 5);
  CHECK(d[2]["choices"][0]["logprobs"]["content"][0]["logprob"] == -0.25);
}

TEST_CASE("openai: why it ended") {
  for (const auto& [reason, theirs] :
       std::vector<std::pair<std::string, std::string>>{
           {"eos", "stop"},
           {"stop", "stop"},
           {"cancelled", "stop"},
           {"length", "length"},
           {"context", "length"}}) {
    auto events = a_generation();
    events.back() = done_event(reason);
    OpenAIAnswer answer(chat());
    CHECK(answer.whole(events)["choices"][0]["finish_reason"] == theirs);
  }
}

TEST_CASE("openai: errors keep our envelope") {
  auto events = a_generation();
  events.back() = ErrorEvent{ApiError(429, "queue_full", "wait.")};
  const auto chunks = stream(chat(",\"stream\":true"), events);
  CHECK(chunks.back()["error"]["type"] == "rate_limit_error");
  OpenAIAnswer answer(chat());
  CHECK(refusal([&] { answer.whole(events); }) == "429 queue_full -");
  events.pop_back();
  CHECK(refusal([&] { answer.whole(events); }) == "500 internal -");
}

TEST_CASE("openai: log-probabilities stay numbers") {
  auto events = a_generation();
  std::get<TokenEvent>(events[2]).logprob_raw =
      -std::numeric_limits<float>::infinity();
  OpenAIAnswer answer(chat(",\"logprobs\":true"));
  const Json json = answer.whole(events);
  CHECK(json["choices"][0]["logprobs"]["content"][0]["logprob"] == -9999.0);
}

TEST_CASE("openai: the list of models") {
  const TemporaryFolder folder;
  put(folder / "x.gguf", "x");
  ModelInfo model, failed;
  model.id = "tales-1";
  model.path = folder / "x.gguf";
  failed.id = "bad";
  failed.state = "failed";
  Json list = openai_models({model, failed});
  CHECK(list["data"][0]["created"].get<int64_t>() > 1'600'000'000);
  list["data"][0]["created"] = 1;
  CHECK(list == Json::parse(R"({"object":"list","data":[{"id":"tales-1",
        "object":"model","created":1,"owned_by":"you"}]})"));
}
