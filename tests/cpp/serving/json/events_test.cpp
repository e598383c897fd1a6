// SPDX-License-Identifier: MIT

#include "llm/serving/events.h"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "tests/cpp/serving/json/generation_events.h"
#include "tests/cpp/serving/json/refused.h"

using namespace llm;
using namespace llm::serving;
using namespace llm::test;

TEST_CASE("events: names") {
  CHECK(event_name(StartEvent{}) == "start");
  CHECK(event_name(PrefillEvent{}) == "prefill");
  CHECK(event_name(TokenEvent{}) == "token");
  CHECK(event_name(DoneEvent{}) == "done");
  CHECK(event_name(ErrorEvent{ApiError(500, "internal", "x")}) == "error");
}

TEST_CASE("events: a token as text and as bytes") {
  CHECK(
      to_json(TokenText{7, "\xef\xbf\xbd", "\xf0\x9f"}).dump() ==
      "{\"id\":7,\"text\":\"\xef\xbf\xbd\",\"bytes\":[240,159]}");
  // Bytes that are no UTF-8 never reach the JSON.
  CHECK(
      to_json(TokenText{7, "a\xff", "a\xff"}).dump() ==
      "{\"id\":7,\"text\":\"a\xef\xbf\xbd\",\"bytes\":[97,255]}");
}

TEST_CASE("events: start tells what is in force") {
  StartEvent start = start_event();
  start.request.force = {{2, 5}};
  CHECK(
      to_json(start) ==
      Json::parse(R"({"id":"0123","run":null,"model":"tales-1","seed":7,
        "params":{"temperature":0.7,"top_k":0,"top_p":1.0,"min_p":0.0,
          "typical_p":1.0,"repetition_penalty":1.0,"frequency_penalty":0.0,
          "presence_penalty":0.0,"max_tokens":256,"stop":["\n"],"seed":7,
          "top_logprobs":0,"force":[{"i":2,"id":5}],"capture":null},
        "chain":[{"name":"temperature","effect":"divides by 0.7"}],
        "prompt":[{"id":4,"text":"H","bytes":[72]}],"protocol":1})"));
  start.run = "r1";
  CHECK(to_json(start)["run"] == "r1");
  CHECK(to_json(start)["params"]["temperature"].dump() == "0.7");
}

TEST_CASE("events: what start tells can be asked again") {
  const std::string fields = R"("temperature":0.3,"top_k":5,"top_p":0.95,
    "min_p":0.01,"typical_p":0.9,"repetition_penalty":1.1,
    "frequency_penalty":0.5,"presence_penalty":-0.5,"max_tokens":3,
    "stop":["a","\n"],"seed":12,"top_logprobs":3,"force":[{"i":1,"id":2}],
    "capture":{"layer":1,"heads":[0]},"interventions":[
      {"type":"scale_head","layer":1,"head":2,"by":0.1},
      {"type":"scale_mlp","layer":3,"by":0.0},
      {"type":"add_vector","layer":4,"pos":null,"values":[0.1,-2.5]},
      {"type":"add_vector","layer":5,"pos":6,"plus":"a","minus":"b",
       "scale":4.0}])";
  const Json asked = Json::parse("{" + fields + "}");
  const auto read = [](Json json) {
    json["prompt"] = "x";
    return read_generate(json);
  };
  const Json told = to_json(read(asked));
  CHECK(told == asked);
  CHECK(to_json(read(told)) == told);
}

TEST_CASE("events: prefill, done and error") {
  CHECK(
      to_json(PrefillEvent{128, 300}).dump() == R"({"done":128,"total":300})");
  CHECK(
      to_json(PrefillEvent{0, 0, true}).dump() ==
      R"({"done":0,"total":0,"loading":true})");
  CHECK(
      to_json(done_event("stop")) ==
      Json::parse(R"({"reason":"stop","usage":{"prompt_tokens":1,
        "cached_tokens":0,"completion_tokens":3,"total_tokens":4},
        "timings":{"queue_ms":0.25,"prefill_ms":1.0,"first_token_ms":1.5,
        "decode_ms":2.0,"tokens_per_s":1000.0},"run":null})"));
  CHECK(
      to_json(ErrorEvent{ApiError(400, "out_of_range", "no.", "seed")}) ==
      Json::parse(R"({"error":{"code":"out_of_range",
        "type":"invalid_request_error","message":"no.","param":"seed"}})"));
}

TEST_CASE("events: a token without and with what else is known") {
  TokenEvent token{.i = 3, .id = 9, .text = "é", .bytes = "é"};
  token.logprob_raw = -0.1f;
  token.ms = 12.3456789;
  CHECK(
      to_json(token).dump() ==
      "{\"i\":3,\"id\":9,\"text\":\"é\",\"bytes\":[195,169],"
      "\"logprob_raw\":-0.100000001,\"ms\":12.346}");
  token.details = TokenEvent::Details{
      0.5f, 1.25f, 2, {{{8, "x", "x"}, -0.5f, 0, "top-k"}, {{9, "é", "é"}}}};
  token.attention = {2, {{0, std::string("\x00\x7f\xff", 3)}, {5, ""}}};
  CHECK(
      to_json(token) ==
      Json::parse(R"({"i":3,"id":9,"text":"é","bytes":[195,169],
        "logprob_raw":-0.100000001,"prob_final":0.5,"entropy":1.25,"rank":2,
        "top":[{"id":8,"text":"x","bytes":[120],"logprob_raw":-0.5,
                "prob_final":0.0,"cut_by":"top-k"},
               {"id":9,"text":"é","bytes":[195,169],"logprob_raw":0.0,
                "prob_final":0.0,"cut_by":null}],
        "attn":{"layer":2,"rows":{"0":"AH//","5":""}},"ms":12.346})"));
}

TEST_CASE("events: floats come back as they were") {
  for (int i = 0; i < 1000; ++i) {
    const float value = -std::exp(static_cast<float>(i - 500) / 20);
    TokenEvent token;
    token.logprob_raw = value;
    const Json json = Json::parse(to_json(token).dump());
    CHECK(static_cast<float>(json["logprob_raw"].get<double>()) == value);
  }
  TokenEvent token;
  token.logprob_raw = -std::numeric_limits<float>::infinity();
  CHECK(Json::parse(to_json(token).dump())["logprob_raw"].is_null());
}

TEST_CASE("events: base64 by the vectors of RFC 4648, section 10") {
  const auto encoded = [](const std::string& bytes) -> std::string {
    TokenEvent token;
    token.attention = {0, {{0, bytes}}};
    return to_json(token)["attn"]["rows"]["0"];
  };
  CHECK(encoded("") == "");
  CHECK(encoded("f") == "Zg==");
  CHECK(encoded("fo") == "Zm8=");
  CHECK(encoded("foo") == "Zm9v");
  CHECK(encoded("foob") == "Zm9vYg==");
  CHECK(encoded("fooba") == "Zm9vYmE=");
  CHECK(encoded("foobar") == "Zm9vYmFy");
}

TEST_CASE("events: the whole answer") {
  const Json answer = whole_answer(a_generation());
  CHECK(answer["id"] == "0123");
  CHECK(answer["model"] == "tales-1");
  CHECK(answer["text"] == "Hé!");
  CHECK(answer["tokens"].size() == 3);
  CHECK(answer["tokens"][1]["text"] == "");
  CHECK(answer["reason"] == "stop");
  CHECK(answer["usage"]["total_tokens"] == 4);
  CHECK(answer["timings"]["queue_ms"] == 0.25);
  CHECK(answer["prompt"].size() == 1);
  CHECK(answer["run"].is_null());
  CHECK_FALSE(answer.contains("protocol"));

  auto events = a_generation();
  events.back() = ErrorEvent{ApiError(408, "timeout", "too slow.")};
  CHECK(refusal([&] { whole_answer(events); }) == "408 timeout -");
  events.pop_back();
  CHECK(refusal([&] { whole_answer(events); }) == "500 internal -");
}
