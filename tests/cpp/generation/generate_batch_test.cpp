// SPDX-License-Identifier: MIT
//
// Batched generation writes what single runs write.

#include "llm/core/error.h"
#include "llm/generation/generate.h"
#include "llm/generation/generate_batch_ahead.h"
#include "tests/cpp/generation/small_models.h"

using llm::GenerateOptions;
using llm::Generation;
using namespace small;

namespace {

// Prompts of 1 to 40 tokens.
std::vector<std::vector<int32_t>> prompts() {
  std::vector<std::vector<int32_t>> out;
  for (int i = 0; i < 7; ++i) {
    std::vector<int32_t>& ids = out.emplace_back();
    for (int k = 0; k < 1 + (i * 17) % 40; ++k) {
      ids.push_back((i * 50 + k * 31) % vocabulary);
    }
  }
  return out;
}

void check_batch(
    const llm::LanguageModel& model,
    GenerateOptions options,
    int rows,
    bool ahead = false,
    const std::vector<std::vector<int32_t>>& texts = prompts()) {
  std::vector<std::string> streamed(texts.size());
  const auto run = ahead ? llm::generate_batch_ahead : llm::generate_batch;
  const std::vector<Generation> batch = run(
      model,
      bytes(),
      texts,
      options,
      [&](size_t i, const llm::GeneratedToken& token) {
        streamed[i] += token.text;
        return true;
      },
      rows);
  REQUIRE(batch.size() == texts.size());
  const uint64_t seed = options.sampling.seed;
  for (size_t i = 0; i < batch.size(); ++i) {
    CAPTURE(i);
    options.sampling.seed = seed + i;
    const Generation single = generate(model, bytes(), texts[i], options);
    CHECK(batch[i].ids == single.ids);
    CHECK(batch[i].text == single.text);
    CHECK(streamed[i] == single.text);
    CHECK(batch[i].finish_reason == single.finish_reason);
    CHECK(batch[i].prompt_tokens == single.prompt_tokens);
    REQUIRE(batch[i].logprobs.size() == single.logprobs.size());
    for (size_t k = 0; k < single.logprobs.size(); ++k) {
      CHECK(std::abs(batch[i].logprobs[k] - single.logprobs[k]) < 1e-4f);
    }
  }
}

} // namespace

TEST_CASE("generate_batch: equals single runs, token for token") {
  for (const auto& model : {gpt(128), qwen(128)}) {
    CAPTURE(model->model_type());
    for (float temperature : {0.0f, 0.8f}) {
      GenerateOptions options{.max_tokens = 24, .prefill_chunk = 16};
      options.sampling = {
          .temperature = temperature, .repetition_penalty = 1.2f, .seed = 5};
      // Many tokens end a text, so that rows leave at different times.
      for (int32_t id = 0; id < vocabulary; id += 16) {
        options.eos.push_back(id);
      }
      // 16: all at once; 3: rows enter when others leave.
      check_batch(*model, options, temperature == 0 ? 16 : 3);
    }
  }
}

TEST_CASE("generate_batch_ahead: equals single runs, as on a GPU") {
  for (const auto& model : {gpt(128), qwen(128)}) {
    CAPTURE(model->model_type());
    for (float temperature : {0.0f, 0.8f}) {
      GenerateOptions options{.max_tokens = 24, .prefill_chunk = 16};
      options.sampling = {.temperature = temperature, .seed = 5};
      check_batch(*model, options, 16, true);
      // All of about one length: what is read together goes on together.
      for (const std::vector<std::vector<int32_t>>& texts :
           {std::vector<std::vector<int32_t>>{{1, 2, 3, 4}, {5, 6, 7, 8}},
            {{1, 2, 3}, {4, 5, 6, 7}, {8, 9}, {1, 3, 5, 7}}}) {
        check_batch(*model, options, 16, true, texts);
        check_batch(*model, options, 2, true, texts); // others enter
      }
      for (int32_t id = 0; id < vocabulary; id += 16) {
        options.eos.push_back(id);
      }
      check_batch(*model, options, temperature == 0 ? 16 : 3, true);
    }
  }
  GenerateOptions options{.max_tokens = 20};
  options.sampling.temperature = 0;
  int most = 0; // prompts are read together, and say so
  options.on_prefill = [&](int read, int of) {
    most = std::max(most, read);
    return read < of;
  };
  check_batch(*qwen(128), options, 16, true);
  CHECK(most == 34);
  options.on_prefill = [](int, int) { return false; };
  const auto stopped = llm::generate_batch_ahead(
      *qwen(128), bytes(), {{1, 2, 3}, {4, 5, 6}}, options, {}, 16);
  CHECK(stopped[0].finish_reason == "interrupted");
  CHECK(stopped[1].finish_reason == "interrupted");
  options.on_prefill = {};
  check_batch(*qwen(32), options, 4, true); // the window rule
  options.cache.window = 16;                // cannot be stacked
  check_batch(*qwen(128), options, 4, true);
}

TEST_CASE("generate_batch: past the context, rotating and quantized caches") {
  GenerateOptions options{.max_tokens = 20};
  check_batch(*qwen(32), options, 4); // the window rule
  options.slide = false;
  check_batch(*qwen(48), options, 4); // "length" at the end of the context
  options.cache.window = 16;
  check_batch(*qwen(128), options, 4);
  options.cache = {.bits = 8, .group_size = 32};
  llm::LlamaConfig c;
  c.vocab_size = vocabulary;
  c.max_position_embeddings = 128;
  c.hidden_size = 32;
  c.intermediate_size = 48;
  c.num_hidden_layers = 2;
  c.num_attention_heads = 2;
  c.num_key_value_heads = 1;
  c.head_dim = 32;
  check_batch(*random_model(c.to_json()), options, 4);
}

TEST_CASE("generate_batch: one text can be interrupted, the others go on") {
  int shown = 0;
  const auto out = generate_batch(
      *gpt(),
      bytes(),
      {{1}, {2, 3}, {4}},
      {.max_tokens = 9},
      [&](size_t i, const llm::GeneratedToken&) {
        return i != 1 || ++shown < 4;
      });
  CHECK(out[0].ids.size() == 9);
  CHECK(out[1].ids.size() == 4);
  CHECK(out[1].finish_reason == "interrupted");
  CHECK(out[2].finish_reason == "length");
  CHECK(generate_batch(*gpt(), bytes(), {}).empty());
  int calls = 0;
  const auto count = [&](size_t, const llm::GeneratedToken&) {
    return ++calls > 0;
  };
  CHECK_THROWS_AS( // the last prompt is bad: nothing is begun
      generate_batch(*gpt(), bytes(), {{1}, {-1}}, {}, count, 1),
      llm::UsageError);
  CHECK(calls == 0);
  CHECK_THROWS_AS(
      generate_batch(*gpt(), bytes(), {{1}}, {}, {}, 0), llm::UsageError);
  CHECK_THROWS_AS(
      generate_batch(*gpt(), bytes(), {{1}}, {.use_cache = false}),
      llm::UsageError);
}
