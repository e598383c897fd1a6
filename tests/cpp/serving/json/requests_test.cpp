// SPDX-License-Identifier: MIT
//
// Bodies of our own API: what is read, and what is refused with which words.

#include "llm/serving/requests.h"

#include <cmath>

#include <doctest/doctest.h>

#include "tests/cpp/serving/json/refused.h"

using namespace llm;
using namespace llm::serving;
using llm::test::refusal;
using llm::test::refused;

namespace {

GenerateRequest generate(const std::string& fields) {
  return read_generate(parse_body(R"({"prompt":"x")" + fields + "}"));
}

/** "out_of_range top_p" for {"prompt":"x", <fields>}. */
std::string wrong(const std::string& fields) {
  const std::string all = refusal([&] { generate("," + fields); });
  CHECK(all.starts_with("400 "));
  return all.substr(4);
}

std::string message(const std::string& fields) {
  return refused([&] { generate("," + fields); }).what();
}

} // namespace

TEST_CASE("requests: defaults are the model's own distribution") {
  const GenerateRequest r = generate("");
  CHECK(r.model == "");
  CHECK(r.prompt == "x");
  CHECK(r.messages.is_null());
  CHECK(r.sampling.temperature == 1.0f);
  CHECK(r.sampling.top_k == 0);
  CHECK(r.sampling.top_p == 1.0f);
  CHECK_FALSE(r.seed_given);
  CHECK(r.max_tokens == 256);
  CHECK(r.stop.empty());
  CHECK(r.top_logprobs == 0);
  CHECK(r.force.empty());
  CHECK_FALSE(r.capture);
  CHECK(r.interventions.empty());
  CHECK(r.stream);
}

TEST_CASE("requests: every field is read") {
  const GenerateRequest r = read_generate(parse_body(R"({
    "model": "tales-1", "temperature": 0.7, "top_k": 40, "top_p": 0.9,
    "messages": [{"role": "system", "content": ""},
                 {"role": "user", "content": "h\u00e9"}],
    "min_p": 0.05, "typical_p": 0.95, "repetition_penalty": 1.1,
    "frequency_penalty": -2, "presence_penalty": 2, "max_tokens": 1000000,
    "stop": ["a", "\n\n"], "seed": 9223372036854775807, "top_logprobs": 20,
    "force": [{"i": 3, "id": 7}, {"i": 0, "id": 1}],
    "capture": {"layer": 2, "heads": [0, 5]}, "stream": false,
    "interventions": [{"type": "scale_head", "layer": 1, "head": 2},
      {"type": "scale_mlp", "layer": 3, "by": 0.5},
      {"type": "add_vector", "layer": 4, "pos": null, "values": [1, -2.5]},
      {"type": "add_vector", "layer": 5, "pos": 6, "plus": "a", "minus": "b",
       "scale": 4}]})"));
  CHECK(r.model == "tales-1");
  CHECK_FALSE(r.prompt);
  CHECK(r.messages.size() == 2);
  CHECK(r.messages[1]["content"] == "h\xc3\xa9");
  CHECK(r.sampling.temperature == 0.7f);
  CHECK(r.sampling.top_k == 40);
  CHECK(r.sampling.top_p == 0.9f);
  CHECK(r.sampling.min_p == 0.05f);
  CHECK(r.sampling.typical_p == 0.95f);
  CHECK(r.sampling.repetition_penalty == 1.1f);
  CHECK(r.sampling.frequency_penalty == -2.0f);
  CHECK(r.sampling.presence_penalty == 2.0f);
  CHECK(r.max_tokens == 1'000'000);
  CHECK(r.stop == std::vector<std::string>{"a", "\n\n"});
  CHECK(r.seed_given);
  CHECK(r.sampling.seed == uint64_t{9223372036854775807});
  CHECK(r.top_logprobs == 20);
  CHECK(r.force == std::map<int, int32_t>{{0, 1}, {3, 7}});
  CHECK(r.capture->layer == 2);
  CHECK(r.capture->heads == std::vector<int>{0, 5});
  CHECK_FALSE(r.stream);
  REQUIRE(r.interventions.size() == 4);
  const auto head = std::get<inspect::ScaleHead>(r.interventions[0]);
  CHECK(head.layer == 1);
  CHECK(head.head == 2);
  CHECK(head.by == 0.0f);
  CHECK(std::get<inspect::ScaleMLP>(r.interventions[1]).by == 0.5f);
  const auto given = std::get<inspect::AddVector>(r.interventions[2]);
  CHECK_FALSE(given.position);
  CHECK(given.values == std::vector<float>{1, -2.5f});
  const auto texts = std::get<inspect::AddVector>(r.interventions[3]);
  CHECK(texts.position == 6);
  CHECK(texts.plus == "a");
  CHECK(texts.minus == "b");
  CHECK(texts.scale == 4.0f);
  CHECK_NOTHROW(check(r.sampling));
}

TEST_CASE("requests: limits of the numbers are part of the range") {
  for (const char* fine :
       {R"("temperature":0)",
        R"("temperature":-0.0)",
        R"("temperature":0.001)",
        R"("temperature":100)",
        R"("temperature":1e2)",
        R"("top_k":0)",
        R"("top_k":-0)",
        R"("top_k":2147483647)",
        R"("top_p":0)",
        R"("top_p":1.0)",
        R"("min_p":1e-300)",
        R"("typical_p":1)",
        R"("repetition_penalty":0.01)",
        R"("repetition_penalty":100)",
        R"("frequency_penalty":-2.0)",
        R"("max_tokens":1)",
        R"("seed":0)",
        R"("top_logprobs":0)",
        R"("stop":[])",
        R"("force":[])",
        R"("capture":null)",
        R"("capture":{"layer":0})",
        R"("interventions":[])"}) {
    CAPTURE(fine);
    // What is read is what the sampler accepts.
    CHECK_NOTHROW(check(generate(std::string(",") + fine).sampling));
  }
  CHECK_FALSE(
      std::signbit(generate(R"(,"temperature":-0.0)").sampling.temperature));
}

TEST_CASE("requests: numbers out of range are refused by name") {
  for (const auto& [name, values] :
       std::map<std::string, std::vector<std::string>>{
           {"temperature", {"-1", "0.0009", "1e-320", "100.1", "1e308"}},
           {"top_k", {"-1", "2147483648", "9223372036854775808", "1e300"}},
           {"top_p", {"-0.1", "1.0000001", "2"}},
           {"min_p", {"-1e-9", "1.5"}},
           {"typical_p", {"-1", "7"}},
           {"repetition_penalty", {"0", "0.009", "-1", "101"}},
           {"frequency_penalty", {"-2.1", "3"}},
           {"presence_penalty", {"-3", "2.01"}},
           {"max_tokens", {"0", "-1", "1000001", "1000000000"}},
           {"seed", {"-1", "9223372036854775808", "18446744073709551616"}},
           {"top_logprobs", {"-1", "21"}}}) {
    for (const std::string& value : values) {
      CAPTURE(value);
      CHECK(wrong("\"" + name + "\":" + value) == "out_of_range " + name);
    }
  }
  CHECK(
      message(R"("temperature":200)") ==
      "expected temperature 0 or from 0.001 to 100 but received 200; 0 takes "
      "the best token.");
  CHECK(
      message(R"("top_k":-1)") ==
      "expected top_k from 0 to 2147483647 but received -1; 0 switches it "
      "off.");
  CHECK(
      message(R"("top_p":2)") ==
      "expected top_p from 0 to 1 but received 2; 1 switches it off.");
}

TEST_CASE("requests: a type is not guessed") {
  for (const char* name :
       {"temperature",
        "top_k",
        "top_p",
        "min_p",
        "typical_p",
        "repetition_penalty",
        "frequency_penalty",
        "presence_penalty",
        "max_tokens",
        "seed",
        "top_logprobs"}) {
    for (const char* value : {"true", "null", "\"1\"", "[1]", "{}"}) {
      CAPTURE(name);
      CAPTURE(value);
      CHECK(
          wrong("\"" + std::string(name) + "\":" + value) ==
          "wrong_type " + std::string(name));
    }
  }
  for (const char* name : {"top_k", "max_tokens", "seed", "top_logprobs"}) {
    CHECK(
        wrong("\"" + std::string(name) + "\":3.0") ==
        "wrong_type " + std::string(name));
  }
  CHECK(
      message(R"("top_k":3.0)") ==
      "expected top_k as a whole number but received 3.0; write it without a "
      "point.");
  CHECK(wrong(R"("stop":"a")") == "wrong_type stop");
  CHECK(wrong(R"("stop":[1])") == "wrong_type stop[0]");
  CHECK(wrong(R"("stream":1)") == "wrong_type stream");
  CHECK(wrong(R"("model":7)") == "wrong_type model");
  CHECK(wrong(R"("force":{})") == "wrong_type force");
  CHECK(wrong(R"("force":[3])") == "wrong_type force[0]");
  CHECK(wrong(R"("capture":[])") == "wrong_type capture");
  CHECK(wrong(R"("interventions":[[]])") == "wrong_type interventions[0]");
}

TEST_CASE("requests: stop texts") {
  const std::string many = "\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\",\"x\"";
  CHECK(generate(",\"stop\":[" + many + "," + many + "]").stop.size() == 16);
  CHECK(
      wrong("\"stop\":[" + many + "," + many + ",\"x\"]") ==
      "out_of_range stop");
  CHECK(wrong(R"("stop":["a","b","c",""])") == "out_of_range stop[3]");
  CHECK(
      message(R"("stop":["a","b","c",""])") ==
      "expected stop[3] of 1 to 256 bytes but received 0; leave it out or fill "
      "it.");
  const std::string longest(256, 's');
  CHECK_NOTHROW(generate(",\"stop\":[\"" + longest + "\"]"));
  CHECK(wrong("\"stop\":[\"" + longest + "s\"]") == "out_of_range stop[0]");
}

TEST_CASE("requests: prompt or messages") {
  const auto read = [](const char* body) {
    return [body] { read_generate(parse_body(body)); };
  };
  CHECK(refusal(read("{}")) == "400 missing_param prompt");
  CHECK(
      refusal(
          read(R"({"prompt":"","messages":[{"role":"user","content":""}]})")) ==
      "400 invalid_value messages");
  CHECK(refusal(read(R"({"prompt":["x"]})")) == "400 wrong_type prompt");
  CHECK(refusal(read(R"({"messages":[]})")) == "400 out_of_range messages");
  CHECK(refusal(read(R"({"messages":"x"})")) == "400 wrong_type messages");
  CHECK(
      refusal(read(R"({"messages":[{"role":"user"}]})")) ==
      "400 missing_param messages[0].content");
  CHECK(
      refusal(read(R"({"messages":[{"role":"tool","content":"x"}]})")) ==
      "400 invalid_value messages[0].role");
  CHECK(
      refusal(
          read(R"({"messages":[{"role":"user","content":"x","name":"y"}]})")) ==
      "400 unknown_param messages[0].name");
  CHECK(
      refusal(read(
          R"({"messages":[{"role":"user","content":[{"type":"text"}]}]})")) ==
      "400 wrong_type messages[0].content");
  std::string many = R"({"messages":[)";
  for (int i = 0; i < 257; ++i) {
    many += R"({"role":"user","content":"x"},)";
  }
  many.back() = ']';
  CHECK(refusal(read((many + "}").c_str())) == "400 out_of_range messages");
}

TEST_CASE("requests: an unknown field is an error and gets a hint") {
  CHECK(wrong(R"("tempreature":1)") == "unknown_param tempreature");
  CHECK(
      message(R"("tempreature":1)") ==
      "expected a parameter of this request but received \"tempreature\"; "
      "perhaps you mean temperature.");
  CHECK(message(R"("topk":1)").ends_with("perhaps you mean top_k."));
  CHECK(message(R"("Seed":1)").ends_with("perhaps you mean seed."));
  CHECK(
      message(R"("logit_bias":{})").find("choose from model, prompt") !=
      std::string::npos);
  CHECK(wrong(R"("":1)") == "unknown_param ");
  CHECK(wrong(R"("prompt_tokens":[1])") == "unknown_param prompt_tokens");
  const ApiError error = refused(
      [&] { generate(",\"\\u001b[31m" + std::string(5000, 'x') + "\":1"); });
  CHECK(error.param->size() < 100);
  CHECK(error.param->starts_with("\\x1b[31mxxx"));
}

TEST_CASE("requests: forced tokens, captures and interventions") {
  CHECK(
      wrong(R"("force":[{"i":0,"id":1},{"i":0,"id":2}])") ==
      "invalid_value force[1].i");
  CHECK(wrong(R"("force":[{"i":-1,"id":1}])") == "out_of_range force[0].i");
  CHECK(wrong(R"("force":[{"i":1}])") == "missing_param force[0].id");
  CHECK(wrong(R"("capture":{})") == "missing_param capture.layer");
  CHECK(wrong(R"("capture":{"layer":-1})") == "out_of_range capture.layer");
  CHECK(
      wrong(R"("capture":{"layer":0,"heads":[1,1]})") ==
      "invalid_value capture.heads");
  CHECK(
      wrong(R"("capture":{"layer":0,"heads":[0.5]})") ==
      "wrong_type capture.heads[0]");
  const auto one = [](const std::string& fields) {
    return wrong(R"("interventions":[{)" + fields + "}]");
  };
  const std::string at = "interventions[0]";
  CHECK(one("") == "missing_param " + at + ".type");
  CHECK(one(R"("type":"x")") == "invalid_value " + at + ".type");
  CHECK(
      one(R"("type":"replace_token","pos":0,"id":1)") ==
      "invalid_value " + at + ".type");
  CHECK(
      one(R"("type":"scale_head","layer":1)") ==
      "missing_param " + at + ".head");
  CHECK(
      one(R"("type":"scale_mlp","layer":1,"head":0)") ==
      "unknown_param " + at + ".head");
  CHECK(
      one(R"("type":"scale_mlp","layer":1,"by":1e7)") ==
      "out_of_range " + at + ".by");
  CHECK(
      one(R"("type":"add_vector","layer":1,"values":[])") ==
      "out_of_range " + at + ".values");
  CHECK(
      one(R"("type":"add_vector","layer":1,"values":[1,"2"])") ==
      "wrong_type " + at + ".values[1]");
  CHECK(
      one(R"("type":"add_vector","layer":1,"values":[1],"plus":"a")") ==
      "unknown_param " + at + ".plus");
  CHECK(
      one(R"("type":"add_vector","layer":1,"plus":"a")") ==
      "missing_param " + at + ".minus");
  CHECK(
      one(R"("type":"add_vector","layer":1,"plus":"","minus":"b")") ==
      "out_of_range " + at + ".plus");
}
