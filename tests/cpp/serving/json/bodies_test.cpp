// SPDX-License-Identifier: MIT
//
// Bodies that are no JSON, and those of the smaller requests.

#include <doctest/doctest.h>

#include "llm/serving/requests.h"
#include "tests/cpp/serving/json/refused.h"

using namespace llm;
using namespace llm::serving;
using llm::test::refusal;
using llm::test::refused;

TEST_CASE("requests: inspect, what-if, tokenize, id") {
  const auto inspect = [](const std::string& body) {
    return read_inspect(parse_body(body));
  };
  const InspectRequest r =
      inspect(R"({"model":"m","tokens":[3,1],"capture":["attention","lens"],)"
              R"("layers":[0,2]})");
  CHECK(r.model == "m");
  CHECK(r.tokens == std::vector<int32_t>{3, 1});
  CHECK(r.layers == std::vector<int>{0, 2});
  CHECK(inspect(R"({"text":"x","layers":"all"})").layers.empty());
  CHECK(inspect(R"({"text":"x"})").attention);
  CHECK_FALSE(inspect(R"({"text":"x","capture":["lens"]})").attention);
  for (const auto& [body, expected] :
       std::vector<std::pair<std::string, std::string>>{
           {R"({"text":"x","tokens":[1]})", "invalid_value tokens"},
           {R"({"model":"m"})", "missing_param text"},
           {R"({"tokens":[]})", "out_of_range tokens"},
           {R"({"tokens":[-1]})", "out_of_range tokens[0]"},
           {R"({"tokens":[1.5]})", "wrong_type tokens[0]"},
           {R"({"text":"x","layers":"some"})", "invalid_value layers"},
           {R"({"text":"x","layers":[]})", "out_of_range layers"},
           {R"({"text":"x","layers":[1,1]})", "invalid_value layers"},
           {R"({"text":"x","capture":["logits"]})", "invalid_value capture[0]"},
           {R"({"text":"x","seed":1})", "unknown_param seed"}}) {
    CAPTURE(body);
    CHECK(refusal([&] { inspect(body); }) == "400 " + expected);
  }

  const WhatIfRequest w = read_whatif(parse_body(
      R"({"run":"r","interventions":[{"type":"replace_token","pos":2,)"
      R"("id":9}]})"));
  CHECK(w.run == "r");
  CHECK(std::get<inspect::ReplaceToken>(w.interventions.at(0)).id == 9);
  CHECK(refusal([] {
          read_whatif(parse_body(R"({"run":"r","interventions":[]})"));
        }) == "400 out_of_range interventions");

  const TokenizeRequest t =
      read_tokenize(parse_body(R"({"text":"\u0000x","special":true})"));
  CHECK(t.text == std::string("\0x", 2));
  CHECK(t.special);
  CHECK(refusal([] {
          read_tokenize(parse_body("{}"));
        }) == "400 missing_param text");
  CHECK(read_id(parse_body(R"({"id":"abc"})")) == "abc");
  CHECK(refusal([] {
          read_id(parse_body(R"({"id":""})"));
        }) == "400 out_of_range id");
}

TEST_CASE("requests: a body that is no JSON says where") {
  const auto body = [](const std::string& text) {
    return refused([&] { parse_body(text); });
  };
  for (const std::string& text :
       {std::string(),
        std::string("{"),
        std::string("{} {}"),
        std::string("{\"a\":1,}"),
        std::string("{\"a\":NaN}"),
        std::string("{\"a\":Infinity}"),
        std::string("{\"a\":1e999}"),
        std::string("{\"a\":01}"),
        std::string("{\"a\":'b'}"),
        std::string("{a:1}"),
        std::string("{\"a\":1,\"a\":2}"),
        std::string("{\"a\":\"\\ud800\"}"),
        std::string("{\"a\":\"\xff\"}"),
        std::string("\xef\xbb\xbf{}"),
        std::string("{}\0", 3),
        std::string("{\"a\":\"\n\"}"),
        std::string(100'000, '['),
        "{\"a\":" + std::string(64, '[') + std::string(64, ']') + "}",
        "{\"a\":[" + std::string(300'000, '1') + "]}"}) {
    CAPTURE(text.substr(0, 40));
    const ApiError error = body(text);
    CHECK(error.status == 400);
    CHECK(error.code == "invalid_json");
    CHECK_FALSE(error.param);
  }
  CHECK(
      std::string(body("{\"a\":1,\n \"a\":2}").what()) ==
      "2:2: expected each key once but received \"a\" twice; correct the "
      "body.");
  std::string many = "{\"a\":[1";
  for (int i = 0; i < 200'000; ++i) {
    many += ",1";
  }
  CHECK(body(many + "]}").code == "invalid_json");
  for (const char* text : {"[]", "1", "null", "\"x\""}) {
    CHECK(body(text).code == "wrong_type");
  }
  const std::string deepest =
      "{\"a\":" + std::string(63, '[') + std::string(63, ']') + "}";
  CHECK_NOTHROW(parse_body(deepest));
}
