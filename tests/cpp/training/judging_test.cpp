// SPDX-License-Identifier: MIT
//
// Measures of answers, questions with choices, reports of two models.

#include <doctest/doctest.h>

#include "llm/core/error.h"
#include "llm/training/compare_report.h"
#include "llm/training/multiple_choice.h"
#include "llm/training/text_metrics.h"
#include "tests/cpp/core/temporary_folder.h"

using namespace llm;
using namespace llm::test;

TEST_CASE("text metrics: counted by hand") {
  CHECK(exact_match(" a  b\n", "a b"));
  CHECK_FALSE(exact_match("a b", "a B"));
  // a b a b | b c: unigrams a b c of 6, bigrams ab ba bc of 4.
  const std::vector<std::string> texts = {"a b a b", "b c"};
  CHECK(distinct_n(texts, 1) == doctest::Approx(3.0 / 6));
  CHECK(distinct_n(texts, 2) == doctest::Approx(3.0 / 4));
  CHECK(distinct_n({"a"}, 2) == 0);
  // 4-grams of a a a a a a: three, all the same; of the other: none repeated.
  CHECK(
      repetition({"a a a a a a", "a b c d e", "short"}) ==
      doctest::Approx((2.0 / 3 + 0) / 2));
  CHECK(repetition({}) == 0);
}

namespace {

/** The message for one row of a file of questions. */
std::string refusal(const std::string& row) {
  const TemporaryFolder home;
  put(home / "q.jsonl", row);
  try {
    load_questions(home / "q.jsonl");
  } catch (const InputError& error) {
    const std::string what = error.what();
    const size_t at = what.find("q.jsonl");
    return at == std::string::npos ? what : what.substr(at);
  }
  return "no error";
}

} // namespace

TEST_CASE("multiple choice: every way to name the right one") {
  const TemporaryFolder home;
  put(home / "q.jsonl",
      R"({"ctx": "c", "endings": ["x", "y"], "label": "1"})"
      "\n"
      R"({"question": "q", "choices": {"text": ["x", "y"],)"
      R"( "label": ["1", "2"]}, "answerKey": "1"})"
      "\n"
      R"({"question": "q", "choices": ["x", "y"], "answer": "y"})"
      "\n"
      R"({"question": "q", "choices": ["x", "y"], "answer": "B"})");
  CHECK(is_choice_file(home / "q.jsonl"));
  const auto q = load_questions(home / "q.jsonl");
  REQUIRE(q.size() == 4);
  CHECK(q[0].context == "c");
  CHECK(q[0].answer == 1);
  CHECK(q[1].context == "Question: q\nAnswer:");
  CHECK(q[1].answer == 0); // the label "1", not the number
  CHECK(q[2].answer == 1);
  CHECK(q[3].answer == 1);
}

TEST_CASE("multiple choice: bad rows name place and field") {
  CHECK(refusal(R"({"ctx": "c", "endings": ["x", "y"], "label": 2})")
            .starts_with("q.jsonl:1:46: label: expected a number from 0 to 1"));
  CHECK(
      refusal(R"({"ctx": "c", "endings": ["x"], "label": 0})")
          .starts_with("q.jsonl:1:25: endings: expected an array of at least"));
  CHECK(refusal(R"({"ctx": 5, "endings": ["x", "y"], "label": 0})")
            .starts_with("q.jsonl:1:9: ctx: expected a text"));
  CHECK(refusal(R"({"ctx": "c", "endings": ["x", "y"], "label": -1})")
            .starts_with("q.jsonl:1:46: label"));
  CHECK(refusal(R"({"ctx": "c"})")
            .starts_with("q.jsonl:1:1: question: expected"));
  CHECK(refusal("").starts_with("q.jsonl:1:1: expected questions"));
}

TEST_CASE("compare: both answers of every prompt are in the report") {
  Example e;
  e.messages = {
      {{"role", "user"}, {"content", "say <b>\nnow"}},
      {{"role", "assistant"}, {"content", "yes"}}};
  e.kind = "order";
  const ComparedModel a = {"one", {"no"}, {{"loss", 2.0}}};
  const ComparedModel b = {"two", {"yes"}, {{"loss", 1.0}}};
  const Comparison c = compare({e}, a, b);
  CHECK(c.changed == 1);
  const Json json = to_json(c);
  CHECK(json["a"]["exact_match"] == 0.0);
  CHECK(json["b"]["exact_match"] == 1.0);
  CHECK(json["answers"][0]["expected"] == "yes");
  const std::string text = to_markdown(c);
  CHECK(text.find("| loss | 2 | 1 |") != std::string::npos);
  CHECK(text.find("> say &lt;b>  \n> now") != std::string::npos);
  CHECK(text.find("## 1 (order)") != std::string::npos);
  CHECK_THROWS_AS(compare({e}, a, {"two", {}, nullptr}), UsageError);
}
