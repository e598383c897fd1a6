// SPDX-License-Identifier: MIT
//
// Looking into a text over the service: what is answered is what inspect says.

#include <cmath>
#include <cstring>

#include "llm/inspect/attention.h"
#include "tests/cpp/serving/serving_models.h"

using namespace small;
using llm::Json;

namespace {

Answer look(
    Service& s,
    const std::string& run,
    const std::string& what,
    std::map<std::string, std::string> query = {}) {
  return answer([&](OnAnswer done) { s.look(run, what, query, done); });
}

std::string inspected(Service& service, const std::string& text) {
  const Answer made = answer([&](OnAnswer done) {
    service.inspect(
        {.model = "",
         .text = text,
         .tokens = {},
         .attention = true,
         .layers = {}},
        done);
  });
  REQUIRE(made.status == 201);
  return body(made)["run"];
}

std::string code_of(const Answer& answer) {
  return body(answer)["error"]["code"];
}

} // namespace

TEST_CASE("look: rows, tiles and thumbnails are one attention") {
  const Models models;
  Service service(models.options());
  const std::string text(90, 'k');
  const std::string run = inspected(service, text + "abcabcabc");
  const Json about = body(look(service, run, ""));
  CHECK(about["tokens"].size() == 99);
  CHECK(about["n_heads"] == 4);
  CHECK(about["n_kv_heads"] == 2);
  const Answer thumbs = look(service, run, "thumbs", {{"size", "32"}});
  CHECK(thumbs.headers.at("X-Shape") == "2,4,32,32");
  REQUIRE(thumbs.body.size() == 2 * 4 * 32 * 32);
  const Answer tile = look(
      service,
      run,
      "attention",
      {{"layer", "1"}, {"head", "3"}, {"level", "0"}});
  CHECK(tile.headers.at("X-Shape") == "99");
  REQUIRE(tile.body.size() == 99 * 100 / 2);
  const Answer halves = look(
      service,
      run,
      "attention",
      {{"layer", "1"}, {"head", "3"}, {"level", "0"}, {"format", "f16"}});
  REQUIRE(halves.body.size() == 2 * 99 * 100 / 2);
  std::vector<float> pooled(32 * 32);
  size_t at = 0;
  for (int q = 0; q < 99; ++q) {
    const Json row = body(look(
        service,
        run,
        "row",
        {{"layer", "1"}, {"head", "3"}, {"q", std::to_string(q)}}));
    REQUIRE(row["weights"].size() == size_t(q) + 1);
    double sum = 0;
    for (int k = 0; k <= q; ++k, ++at) {
      const float p = row["weights"][k];
      sum += p;
      const auto byte = static_cast<unsigned char>(tile.body[at]);
      CHECK(byte == std::lround(255 * std::sqrt(p)));
      uint16_t bits;
      std::memcpy(&bits, halves.body.data() + 2 * at, 2);
      const float half = std::bit_cast<mx::float16_t>(bits);
      CHECK(std::abs(half - p) <= 1e-3f * p + 1e-7f);
      int i = 0, j = 0;
      while ((i + 1) * 99 / 32 <= q)
        ++i;
      while ((j + 1) * 99 / 32 <= k)
        ++j;
      pooled[i * 32 + j] = std::max(pooled[i * 32 + j], p);
    }
    CHECK(sum == doctest::Approx(1).epsilon(1e-6));
  }
  for (size_t i = 0; i < pooled.size(); ++i) {
    const size_t head = (1 * 4 + 3) * 32 * 32;
    CHECK(
        static_cast<unsigned char>(thumbs.body[head + i]) ==
        std::lround(255 * std::sqrt(pooled[i])));
  }
  CHECK(body(look(service, run, "heads"))["heads"].size() == 8);
  CHECK(body(look(service, run, "heads"))["heads"][7]["kv_group"] == 1);
}

TEST_CASE("look: a generation with capture leaves a run") {
  const Models models;
  Service service(models.options());
  GenerateRequest r = request("hello", 12);
  r.capture = Capture{1, {2}};
  const std::vector<Event> events = run(service, r);
  const std::string id = done_of(events).run.value();
  CHECK(all_of<StartEvent>(events)[0].run == id);
  // Nothing changes by being looked at.
  GenerateRequest plain = request("hello", 12);
  CHECK(ids_of(run(service, plain)) == ids_of(events));
  const Json about = body(look(service, id, ""));
  REQUIRE(about["tokens"].size() == 16); // the last one was not read
  for (const TokenEvent& token : all_of<TokenEvent>(events)) {
    const int q = 4 + token.i;
    const Json row = body(look(
        service,
        id,
        "row",
        {{"layer", "1"}, {"head", "2"}, {"q", std::to_string(q)}}));
    const std::string& coded = token.attention->second.at(2);
    REQUIRE(coded.size() == size_t(q) + 1);
    for (int k = 0; k <= q; ++k) {
      const float p = row["weights"][k];
      CHECK(
          std::abs(static_cast<unsigned char>(coded[k]) - 255 * std::sqrt(p)) <
          0.51f);
    }
  }
  // The same text read at once has the same attention.
  std::vector<int32_t> tokens;
  for (const Json& token : about["tokens"]) {
    tokens.push_back(token["id"]);
  }
  const Answer again = answer([&](OnAnswer done) {
    service.inspect(
        {.model = "qwen",
         .text = {},
         .tokens = tokens,
         .attention = true,
         .layers = {}},
        done);
  });
  const std::string other = body(again)["run"];
  for (const char* q : {"3", "9", "15"}) {
    const Json a = body(
        look(service, id, "row", {{"layer", "0"}, {"head", "1"}, {"q", q}}));
    const Json b = body(
        look(service, other, "row", {{"layer", "0"}, {"head", "1"}, {"q", q}}));
    for (size_t k = 0; k < a["weights"].size(); ++k) {
      CHECK(
          std::abs(
              a["weights"][k].get<float>() - b["weights"][k].get<float>()) <
          1e-5f);
    }
  }
}

TEST_CASE("look: capture without heads is of all heads") {
  const Models models;
  Service service(models.options());
  GenerateRequest r = request("hello", 3);
  r.capture = Capture{1, {}};
  for (const TokenEvent& token : all_of<TokenEvent>(run(service, r))) {
    CHECK(token.attention->second.size() == 4);
  }
}

TEST_CASE("look: the details of a token") {
  const Models models;
  Service service(models.options());
  GenerateRequest r = request("hello", 6);
  r.top_logprobs = 20;
  r.sampling.top_k = 8;
  r.sampling.temperature = 0.7f;
  const std::vector<Event> events = run(service, r);
  const std::string id = inspected(service, "hello");
  const Answer logits = look(service, id, "logits", {{"pos", "4"}});
  REQUIRE(logits.body.size() == 4 * vocabulary);
  std::vector<float> x(vocabulary);
  std::memcpy(x.data(), logits.body.data(), logits.body.size());
  double sum = 0, entropy = 0;
  for (const float value : x) {
    sum += std::exp(double{value});
  }
  for (const float value : x) {
    const double p = std::exp(double{value}) / sum;
    entropy -= p * std::log(p);
  }
  const TokenEvent token = all_of<TokenEvent>(events)[0];
  const TokenEvent::Details& details = token.details.value();
  CHECK(details.entropy == doctest::Approx(entropy).epsilon(1e-4));
  CHECK(
      token.logprob_raw ==
      doctest::Approx(x[token.id] - std::log(sum)).epsilon(1e-3));
  REQUIRE(details.top.size() == 20);
  double kept = 0;
  for (size_t i = 0; i < 20; ++i) {
    const Alternative& one = details.top[i];
    CHECK((i == 0 || one.logprob_raw <= details.top[i - 1].logprob_raw));
    CHECK(one.cut_by == (i < 8 ? "" : "top-k"));
    CHECK((one.prob_final > 0) == (i < 8));
    kept += one.prob_final;
    if (one.token.id == token.id) {
      CHECK(details.rank == static_cast<int>(i) + 1);
      CHECK(details.prob_final == doctest::Approx(one.prob_final));
    }
  }
  CHECK(kept == doctest::Approx(1).epsilon(1e-5));
  const Json stages = body(look(
      service,
      id,
      "stages",
      {{"pos", "4"}, {"top_k", "8"}, {"temperature", "0.7"}}))["stages"];
  REQUIRE(stages.size() == 3);
  CHECK(stages[0]["name"] == "softmax");
  CHECK(stages[1]["survivors"] == 8);
  for (size_t i = 0; i < 8; ++i) {
    CHECK(stages[2]["top"][i]["id"] == details.top[i].token.id);
    CHECK(
        stages[2]["top"][i]["p"].get<float>() ==
        doctest::Approx(details.top[i].prob_final).epsilon(1e-4));
  }
}

TEST_CASE("look: what-if and lens over the service") {
  const Models models;
  Service service(models.options());
  const std::string id = inspected(service, "hello there");
  const Answer made = answer([&](OnAnswer done) {
    service.whatif({id, {llm::inspect::ScaleHead{0, 1, 0}}}, done);
  });
  REQUIRE(made.status == 201);
  const Json change = body(made);
  CHECK(change["kl"] > 0);
  CHECK(change["kl_by_position"].size() == 11);
  CHECK(change["run"] != id);
  CHECK(look(service, change["run"], "").status == 200);
  const Json lens =
      body(look(service, id, "lens", {{"from", "2"}, {"to", "5"}}));
  REQUIRE(lens["layers"].size() == 3);
  CHECK(lens["layers"][2]["positions"][0]["kl"] == 0);
  CHECK(lens["layers"][1]["positions"][2]["pos"] == 4);
  const Answer wrong = answer([&](OnAnswer done) {
    service.whatif({id, {llm::inspect::ScaleHead{9, 1, 0}}}, done);
  });
  CHECK(wrong.status == 400);
}

TEST_CASE("look: what is refused, dropped and forgotten") {
  const Models models;
  ServiceOptions options = models.options();
  options.run_bytes = 1; // the newest only
  Service service(options);
  const std::string first = inspected(service, "one");
  CHECK(look(service, first, "heads").status == 200);
  const std::string second = inspected(service, "two");
  CHECK(code_of(look(service, first, "heads")) == "run_expired");
  CHECK(look(service, first, "heads").status == 410);
  CHECK(code_of(look(service, "other", "heads")) == "run_not_found");
  CHECK(code_of(look(service, second, "nothing")) == "not_found");
  using Query = std::map<std::string, std::string>;
  const Query wrong[] = {
      {{"layer", "2"}, {"head", "0"}, {"q", "0"}},
      {{"layer", "0"}, {"head", "4"}, {"q", "0"}},
      {{"layer", "0"}, {"head", "0"}, {"q", "3"}},
      {{"layer", "0"}, {"head", "0"}, {"q", "-1"}},
      {{"layer", "0"}, {"head", "0"}, {"q", "1.0"}},
      {{"layer", "0"}, {"head", "0"}},
      {{"layer", "0"}, {"head", "0"}, {"q", "0"}, {"more", "1"}}};
  for (const Query& query : wrong) {
    CHECK(look(service, second, "row", query).status == 400);
  }
  const Answer dropped =
      answer([&](OnAnswer done) { service.drop_run(second, done); });
  CHECK(dropped.status == 204);
  CHECK(code_of(look(service, second, "")) == "run_not_found");
  const Answer empty = answer([&](OnAnswer done) {
    service.inspect(
        {.model = "",
         .text = "",
         .tokens = {},
         .attention = true,
         .layers = {}},
        done);
  });
  CHECK(empty.status == 400);
}

TEST_CASE("look: tokens and their places in the text") {
  const Models models;
  Service service(models.options());
  const Answer made = answer([&](OnAnswer done) {
    service.tokenize(
        {.model = "", .text = "a\xc3\xa9", .special = false}, done);
  });
  const Json tokens = body(made)["tokens"];
  REQUIRE(tokens.size() == 3);
  CHECK(tokens[1]["bytes"] == Json::array({0xc3}));
  CHECK(tokens[1]["text"] == "\xef\xbf\xbd");
  CHECK(tokens[2]["start"] == 2);
  CHECK(tokens[2]["end"] == 3);
}
