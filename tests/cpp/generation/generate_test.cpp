// SPDX-License-Identifier: MIT
//
// Options, seeds and errors of generation.

#include "llm/generation/generate.h"

#include <limits>

#include "llm/core/error.h"
#include "llm/tokenizers/char.h"
#include "tests/cpp/generation/small_models.h"

using llm::GenerateOptions;
using llm::Generation;
using namespace small;

TEST_CASE("generate: the seed decides; temperature 0 takes the best token") {
  const auto model = gpt();
  GenerateOptions options{.max_tokens = 30};
  options.sampling.seed = 11;
  const Generation first = generate(*model, bytes(), prompt, options);
  CHECK(generate(*model, bytes(), prompt, options).ids == first.ids);
  options.sampling.seed = 12;
  CHECK(generate(*model, bytes(), prompt, options).ids != first.ids);

  options.sampling.temperature = 0;
  const Generation greedy = generate(*model, bytes(), prompt, options);
  std::vector<int32_t> text = prompt;
  for (int32_t id : greedy.ids) {
    const mx::array logits = model->logits(row(text));
    const mx::array last = mx::take(logits, logits.shape(1) - 1, 1);
    CHECK(mx::argmax(last).item<uint32_t>() == static_cast<uint32_t>(id));
    text.push_back(id);
  }
}

TEST_CASE("generate: an empty prompt begins with the end-of-text token") {
  const auto model = gpt();
  const int32_t eos = bytes().eos_id().value();
  CHECK(llm::first_tokens(bytes()) == std::vector<int32_t>{eos});
  CHECK(
      generate(*model, bytes(), {}, {.max_tokens = 8}).ids ==
      generate(*model, bytes(), {eos}, {.max_tokens = 8}).ids);
  const auto lines = llm::CharTokenizer::train("ab\n");
  CHECK(llm::first_tokens(lines) == lines.encode("\n\n"));
  CHECK_THROWS_AS(
      llm::first_tokens(llm::CharTokenizer::train("ab")), llm::UsageError);
}

TEST_CASE("generate: padding rows of the model are never drawn") {
  const auto letters = llm::CharTokenizer::train("abcdefgh\n");
  const Generation out = generate(*gpt(), letters, {1, 2}, {.max_tokens = 50});
  for (int32_t id : out.ids) {
    CHECK(id < letters.vocab_size());
  }
  CHECK(out.text == letters.decode(out.ids));
  // The log probability is the model's own: padding counts in the sum.
  const mx::array logits = gpt()->logits(row({1, 2}));
  const mx::array last = mx::flatten(mx::take(logits, 1, 1));
  const mx::array all = mx::log(mx::softmax(last));
  CHECK(
      mx::take(all, out.ids[0]).item<float>() ==
      doctest::Approx(out.logprobs[0]).epsilon(1e-5));
}

TEST_CASE("generate: says what is wrong") {
  const auto model = gpt();
  CHECK_THROWS_WITH_AS(
      generate(*model, bytes(), {3, vocabulary}, {}),
      doctest::Contains("from 0 to 256 but received 257"),
      llm::UsageError);
  CHECK_THROWS_AS(generate(*model, bytes(), {-1}, {}), llm::UsageError);
  CHECK_THROWS_AS(
      generate(*model, bytes(), prompt, {.max_tokens = -1}), llm::UsageError);
  CHECK_THROWS_AS(
      generate(*model, bytes(), prompt, {.stop = {""}}), llm::UsageError);
  GenerateOptions options;
  options.sampling.top_p = 2;
  CHECK_THROWS_AS(generate(*model, bytes(), prompt, options), llm::UsageError);

  llm::nn::Parameters p = model->parameters();
  p.at("ln_f.weight") = mx::full({32}, std::numeric_limits<float>::quiet_NaN());
  model->assign(p);
  CHECK_THROWS_WITH_AS(
      generate(*model, bytes(), prompt, {}),
      doctest::Contains("finite logits for token 1"),
      llm::NumericError);
}
