// SPDX-License-Identifier: MIT
//
// Prompts in chunks, prompts that are too long, several end tokens, logits and
// the likeliest tokens.

#include <cmath>

#include "llm/core/error.h"
#include "llm/generation/generate.h"
#include "llm/generation/logits.h"
#include "tests/cpp/generation/small_models.h"

using llm::GenerateOptions;
using llm::Generation;
using namespace small;

TEST_CASE("generate: a prompt is read in chunks, and can be stopped") {
  const auto model = qwen(128);
  std::vector<int32_t> text;
  for (int i = 0; i < 60; ++i) {
    text.push_back(i * 37 % vocabulary);
  }
  GenerateOptions options{.max_tokens = 8};
  const Generation whole = generate(*model, bytes(), text, options);
  std::vector<int> seen;
  options.prefill_chunk = 16;
  options.on_prefill = [&](int done, int total) {
    CHECK(total == 60);
    seen.push_back(done);
    return true;
  };
  CHECK(generate(*model, bytes(), text, options).ids == whole.ids);
  CHECK(seen == std::vector<int>{16, 32, 48, 59});
  options.on_prefill = [](int done, int) { return done < 32; };
  const Generation stopped = generate(*model, bytes(), text, options);
  CHECK(stopped.ids.empty());
  CHECK(stopped.finish_reason == "interrupted");
}

TEST_CASE("generate: without the window rule the context is the limit") {
  GenerateOptions options{.max_tokens = 50, .slide = false};
  const Generation out = generate(*gpt(16), bytes(), prompt, options);
  CHECK(out.ids.size() == 12); // 5 + 11 were read, and one more drawn
  CHECK(out.finish_reason == "length");
  const std::vector<int32_t> full(16, 65);
  CHECK(generate(*gpt(16), bytes(), full, options).ids.size() == 1);
  const std::vector<int32_t> more(17, 65);
  CHECK_THROWS_WITH_AS(
      generate(*gpt(16), bytes(), more, options),
      doctest::Contains("[prompt] expected at most 16 tokens, the context of "
                        "this model, but received 17; shorten"),
      llm::UsageError);
}

TEST_CASE("generate: any of several end tokens ends it") {
  GenerateOptions options{.max_tokens = 30};
  options.sampling.temperature = 0;
  const Generation plain = generate(*gpt(), bytes(), prompt, options);
  options.eos = {999, plain.ids[4]};
  const Generation out = generate(*gpt(), bytes(), prompt, options);
  CHECK(out.finish_reason == "eos");
  CHECK(out.ids.size() <= 5);
}

TEST_CASE("generate: logits and the likeliest tokens, before and after") {
  const auto model = gpt();
  GenerateOptions options{.max_tokens = 6, .top_logprobs = 5};
  options.sampling = {.temperature = 0.5f, .top_k = 3};
  std::vector<int32_t> text = prompt;
  int looked = 0;
  options.on_logits = [&](const mx::array& logits) {
    ++looked;
    const mx::array whole = model->logits(row(text));
    const mx::array last =
        mx::flatten(mx::take(whole, static_cast<int>(text.size()) - 1, 1));
    CHECK(distance(logits, last) < 1e-5f);
  };
  const Generation out = generate(
      *model, bytes(), prompt, options, [&](const llm::GeneratedToken& token) {
        const mx::array whole = model->logits(row(text));
        const mx::array last =
            mx::flatten(mx::take(whole, static_cast<int>(text.size()) - 1, 1));
        const mx::array raw = mx::log(mx::softmax(last));
        const mx::array sharp = mx::log(
            mx::softmax(mx::divide(llm::keep_top_k(last, 3), mx::array(0.5f))));
        CHECK(token.top.size() == 5);
        CHECK(token.top_final.size() == 3);
        for (const auto& [list, all] :
             {std::pair{&token.top, &raw}, {&token.top_final, &sharp}}) {
          float before = 0;
          for (const llm::TokenProbability& t : *list) {
            const float expected = mx::take(*all, t.id).item<float>();
            CHECK(std::abs(t.logprob - expected) < 1e-4f);
            CHECK(t.logprob <= before);
            before = t.logprob;
          }
        }
        CHECK(token.top[0].id == token.top_final[0].id);
        text.push_back(token.id);
        return true;
      });
  CHECK(looked == 6);
  CHECK(out.ids.size() == 6);
}

TEST_CASE("generate: a rotating cache is full attention inside the window") {
  const auto model = qwen(128);
  GenerateOptions options{.max_tokens = 40};
  const Generation plain = generate(*model, bytes(), prompt, options);
  options.cache.window = 45; // prompt and output fit
  CHECK(generate(*model, bytes(), prompt, options).ids == plain.ids);
  options.cache.window = 8;
  CHECK(generate(*model, bytes(), prompt, options).ids != plain.ids);
}
