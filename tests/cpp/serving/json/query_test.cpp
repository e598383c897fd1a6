// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include "llm/serving/requests.h"
#include "tests/cpp/serving/json/refused.h"

using namespace llm;
using namespace llm::serving;
using llm::test::refusal;

using Query = std::map<std::string, std::string>;

TEST_CASE("query: whole numbers are taken out") {
  Query query = {{"layer", "3"}, {"head", "0"}};
  CHECK(take_int(query, "layer", 0, 29) == 3);
  CHECK(take_int(query, "head", 0, 8) == 0);
  CHECK(query.empty());
  CHECK(take_int(query, "size", 1, 256, 64) == 64);
  CHECK(refusal([&] {
          take_int(query, "layer", 0, 29);
        }) == "400 missing_param layer");
}

TEST_CASE("query: anything else is refused") {
  for (const std::string text :
       {"",
        " 1",
        "1 ",
        "+1",
        "0x1",
        "1.0",
        "1e0",
        "nan",
        "--1",
        "1,2",
        "[1]",
        "true",
        "\"1\"",
        "\xff",
        "01",
        "null",
        "1\n",
        "\t1"}) {
    CAPTURE(text);
    Query query = {{"q", text}};
    CHECK(refusal([&] { take_int(query, "q", 0, 9); }) == "400 wrong_type q");
  }
  for (const std::string text :
       {"-1", "10", "9999999999", "99999999999999999999"}) {
    CAPTURE(text);
    Query query = {{"q", text}};
    CHECK(refusal([&] { take_int(query, "q", 0, 9); }) == "400 out_of_range q");
  }
  Query query = {{"q", std::string(70'000, '1')}};
  CHECK(refusal([&] { take_int(query, "q", 0, 9); }) == "400 wrong_type q");
}

TEST_CASE("query: the sampler's settings") {
  Query query = {
      {"pos", "3"},
      {"temperature", "0.5"},
      {"top_k", "7"},
      {"top_p", "1e-1"},
      {"min_p", "0"}};
  const SamplingConfig c = take_sampling(query);
  CHECK(c.temperature == 0.5f);
  CHECK(c.top_k == 7);
  CHECK(c.top_p == 0.1f);
  CHECK(query == Query{{"pos", "3"}});
  CHECK(
      refusal([&] { expect_nothing_left(query); }) == "400 unknown_param pos");
  query.clear();
  CHECK_NOTHROW(expect_nothing_left(query));
  Query nan = {{"top_p", "nan"}};
  CHECK(refusal([&] { take_sampling(nan); }) == "400 wrong_type top_p");
  Query large = {{"top_p", "1.5"}};
  CHECK(refusal([&] { take_sampling(large); }) == "400 out_of_range top_p");
  Query huge = {{"temperature", "1e999"}};
  CHECK(refusal([&] { take_sampling(huge); }) == "400 wrong_type temperature");
}
