// SPDX-License-Identifier: MIT
//
// Which tokens a grammar allows, against trying every token by itself; and that
// what a random model writes under a grammar follows it.

#include "llm/generation/token_grammar.h"

#include <algorithm>

#include "llm/core/error.h"
#include "llm/core/random.h"
#include "llm/core/utf8.h"
#include "llm/generation/generate.h"
#include "llm/generation/json_schema.h"
#include "llm/tokenizers/char.h"
#include "tests/cpp/generation/small_models.h"

using llm::GrammarStates;
using llm::TokenGrammar;
using namespace small;

namespace {

// Tokens of many lengths; the last ids are pieces of words and of characters.
const llm::BpeTokenizer& words() {
  static const auto tokenizer = [] {
    std::string text;
    for (int i = 0; i < 300; ++i) {
      text += "{\"name\": \"Zoë 世界\", \"age\": " + std::to_string(i * 7919) +
          ", \"tags\": [\"null\", true, 🙂🙃]} ";
    }
    return llm::BpeTokenizer::train(text, {.vocab_size = 420});
  }();
  return tokenizer;
}

std::string json_grammar() {
  return llm::json_schema_grammar(llm::Json::parse(R"({
    "type": "object", "required": ["name"],
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}})"));
}

} // namespace

TEST_CASE("token grammar: allows the tokens that fit, one by one") {
  const int32_t eos = words().eos_id().value();
  llm::Random random(4);
  for (const std::string& text :
       {json_grammar(),
        std::string("root ::= [^a-z]{0,9} \"世\"? | \"null\" \" \"*")}) {
    TokenGrammar grammar(llm::parse_output_grammar(text), words(), {eos});
    TokenGrammar::State state = grammar.start();
    for (int step = 0; step < 300; ++step) {
      std::vector<int32_t> expected;
      for (int32_t id = 0; id < words().vocab_size(); ++id) {
        if (grammar.next(state, id) != GrammarStates::dead) {
          expected.push_back(id);
        }
      }
      std::vector<int32_t> allowed = grammar.allowed(state);
      std::sort(allowed.begin(), allowed.end());
      REQUIRE(allowed == expected);
      REQUIRE(!allowed.empty());
      const auto mask = grammar.mask(state, words().vocab_size());
      CHECK(mx::sum(mask).item<int>() == static_cast<int>(expected.size()));
      const int32_t id = expected[random.below(expected.size())];
      state = id == eos ? grammar.start() : grammar.next(state, id);
    }
  }
}

TEST_CASE("token grammar: the end token only at an end, no other special one") {
  const auto tokenizer = llm::BpeTokenizer::train(
      "a", {.vocab_size = 260, .special_tokens = {"<|endoftext|>", "<|x|>"}});
  TokenGrammar grammar(
      llm::parse_output_grammar("root ::= .{2}"), tokenizer, {0});
  const auto byte = [&](const char* c) { return tokenizer.encode(c)[0]; };
  auto state = grammar.start();
  CHECK(grammar.next(state, 0) == GrammarStates::dead);
  CHECK(grammar.next(state, 1) == GrammarStates::dead);
  state = grammar.next(grammar.next(state, byte("a")), byte("b"));
  CHECK(grammar.allowed(state) == std::vector<int32_t>{0});
  CHECK(grammar.may_end(state));
  CHECK_FALSE(grammar.may_go_on(state));
}

TEST_CASE("token grammar: a vocabulary without the byte is an error") {
  const auto letters = llm::CharTokenizer::train("ab");
  TokenGrammar grammar(llm::parse_output_grammar("root ::= \"ax\""), letters);
  auto state = grammar.next(grammar.start(), letters.encode("a")[0]);
  CHECK_THROWS_WITH_AS(
      grammar.mask(state, letters.vocab_size()),
      doctest::Contains("[grammar] expected a token"),
      llm::UsageError);
}

TEST_CASE("generate: the output follows the grammar") {
  const auto model = gpt(512);
  int finished = 0;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    for (const bool with_eos : {false, true}) {
      std::vector<int32_t> eos;
      if (with_eos) {
        eos.push_back(bytes().eos_id().value());
      }
      TokenGrammar grammar(
          llm::parse_output_grammar(
              "root ::= \"<\" [^>a-zA-Z]{2,12} \">\" [0-9]?"),
          bytes(),
          eos);
      llm::GenerateOptions options{.max_tokens = 40, .eos = eos};
      options.sampling.seed = seed;
      options.grammar = &grammar;
      options.top_logprobs = 3;
      const auto out =
          generate(*model, bytes(), prompt, options, [&](const auto& token) {
            REQUIRE(!token.top_final.empty());
            return true;
          });
      auto state = grammar.start();
      for (int32_t id : out.ids) {
        state = grammar.next(state, id);
        REQUIRE(state != GrammarStates::dead);
      }
      if (out.finish_reason == "length") {
        continue;
      }
      ++finished;
      CHECK(out.finish_reason == (out.ids.back() == 0 ? "eos" : "stop"));
      CHECK(grammar.may_end(state));
      CHECK(out.text.front() == '<');
      CHECK(out.text.find('>') >= 3);
      CHECK_FALSE(llm::find_utf8_error(out.text));
      CHECK(out.text.find("\uFFFD") == std::string::npos);
    }
  }
  CHECK(finished > 12);
}
