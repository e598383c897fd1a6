// SPDX-License-Identifier: MIT
//
// What a model computes with the key-value cache is what it computes without.

#include "tests/cpp/generation/small_models.h"

#include <algorithm>
#include <cmath>

#include "llm/generation/generate.h"

using llm::GenerateOptions;
using llm::Generation;
using namespace small;

namespace {

void check_same(const Generation& a, const Generation& b) {
  CHECK(a.ids == b.ids);
  CHECK(a.text == b.text);
  CHECK(a.finish_reason == b.finish_reason);
  REQUIRE(a.logprobs.size() == b.logprobs.size());
  for (size_t i = 0; i < a.logprobs.size(); ++i) {
    CHECK(std::abs(a.logprobs[i] - b.logprobs[i]) <= 1e-5f);
  }
}

} // namespace

TEST_CASE("generate: cached logits are the logits of the whole text") {
  for (const auto& model : {gpt(), qwen()}) {
    CAPTURE(model->model_type());
    std::vector<int32_t> text = prompt;
    llm::KVCache cache = model->make_cache();
    mx::array last = model->logits(row(text), &cache);
    for (int i = 0; i < 40; ++i) {
      const mx::array whole = model->logits(row(text));
      const mx::array expected = mx::take(whole, whole.shape(1) - 1, 1);
      const mx::array got = mx::take(last, last.shape(1) - 1, 1);
      REQUIRE(distance(got, expected) <= 1e-5f);
      const mx::array best = mx::astype(mx::argmax(got), mx::int32);
      text.push_back((mx::array(best).item<int32_t>() + 7 * i) % vocabulary);
      last = model->logits(row({text.back()}), &cache);
    }
    CHECK(cache.length() == 45);
  }
}

TEST_CASE("generate: a prompt in pieces gives the logits of the whole") {
  std::vector<int32_t> text;
  for (int i = 0; i < 50; ++i) {
    text.push_back(i * 37 % vocabulary);
  }
  for (const auto& model : {gpt(), qwen()}) {
    CAPTURE(model->model_type());
    const mx::array whole = model->logits(row(text));
    for (int piece : {1, 7, 25, 49}) {
      llm::KVCache cache = model->make_cache();
      for (int at = 0; at < 50; at += piece) {
        const int end = std::min(50, at + piece);
        const mx::array got =
            model->logits(row({text.begin() + at, text.begin() + end}), &cache);
        const mx::array expected =
            mx::slice(whole, {0, at, 0}, {1, end, vocabulary});
        CHECK(distance(got, expected) <= 1e-5f);
      }
    }
  }
}

TEST_CASE("generate: with and without the cache the text is the same") {
  for (const auto& model : {gpt(), qwen()}) {
    for (float temperature : {0.0f, 0.9f}) {
      GenerateOptions options{.max_tokens = 40};
      options.sampling = {
          .temperature = temperature, .repetition_penalty = 1.3f};
      const Generation cached = generate(*model, bytes(), prompt, options);
      options.use_cache = false;
      check_same(cached, generate(*model, bytes(), prompt, options));
      CHECK(cached.ids.size() == 40);
      CHECK(cached.finish_reason == "length");
    }
  }
}

TEST_CASE("generate: goes on past the context by the window rule") {
  for (const auto& model : {gpt(16), qwen(16)}) {
    GenerateOptions options{.max_tokens = 60};
    const Generation cached = generate(*model, bytes(), prompt, options);
    options.use_cache = false;
    check_same(cached, generate(*model, bytes(), prompt, options));
    CHECK(cached.ids.size() == 60);

    // The rule written out: over 16 tokens, the last 8 are kept.
    std::vector<int32_t> text = prompt;
    size_t begin = 0;
    for (int i = 0; i < 60; ++i) {
      if (text.size() - begin > 16) {
        begin = text.size() - 8;
      }
      const mx::array logits = mx::flatten(mx::take(
          model->logits(row({text.begin() + begin, text.end()})),
          static_cast<int>(text.size() - begin) - 1,
          1));
      REQUIRE(
          llm::sample(logits, {}, text, llm::sample_key(0, i)) ==
          cached.ids[i]);
      const float logprob =
          mx::take(mx::log(mx::softmax(logits)), cached.ids[i]).item<float>();
      CHECK(std::abs(logprob - cached.logprobs[i]) <= 1e-4f);
      text.push_back(cached.ids[i]);
    }
  }
  // A prompt that is longer than the context, and a context of one token.
  const std::vector<int32_t> long_prompt(100, 65);
  CHECK(
      generate(*gpt(16), bytes(), long_prompt, {.max_tokens = 5}).ids.size() ==
      5);
  CHECK(generate(*gpt(1), bytes(), prompt, {.max_tokens = 5}).ids.size() == 5);
}
