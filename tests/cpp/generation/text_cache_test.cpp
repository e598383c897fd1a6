// SPDX-License-Identifier: MIT
//
// What was read once is not read again, in memory and from a file, and a file
// of another model is refused.

#include "llm/generation/text_cache.h"

#include <filesystem>

#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/generation/generate.h"
#include "tests/cpp/core/temporary_folder.h"
#include "tests/cpp/generation/small_models.h"

using llm::GenerateOptions;
using llm::Generation;
using llm::TextCache;
using namespace small;

namespace {

std::vector<int32_t> longer(const std::vector<int32_t>& a, int32_t more) {
  std::vector<int32_t> out = a;
  for (int i = 0; i < 20; ++i) {
    out.push_back((more + i * 11) % vocabulary);
  }
  return out;
}

} // namespace

TEST_CASE("text cache: a text that begins the same is read from there on") {
  for (const auto& model : {gpt(128), qwen(128)}) {
    for (const llm::CacheOptions& cache :
         {llm::CacheOptions{}, llm::CacheOptions{.window = 128}}) {
      TextCache memory(*model, cache);
      GenerateOptions options{.max_tokens = 10, .prefill_chunk = 7};
      options.cache = cache;
      const auto both = [&](const std::vector<int32_t>& text, int cached) {
        options.memory = nullptr;
        const Generation fresh = generate(*model, bytes(), text, options);
        options.memory = &memory;
        const Generation known = generate(*model, bytes(), text, options);
        CHECK(known.ids == fresh.ids);
        CHECK(known.cached_tokens == cached);
        CHECK(fresh.cached_tokens == 0);
        return known;
      };
      const Generation first = both(prompt, 0);
      both(prompt, 4); // the last token is read again, for its logits
      std::vector<int32_t> next =
          prompt; // a conversation: prompt, answer, more
      next.insert(next.end(), first.ids.begin(), first.ids.end());
      both(longer(next, 3), 5 + 9); // the last answer token was not read
      both(longer(prompt, 8), 5);
      both({9, 9, 9}, 0);
    }
  }
}

TEST_CASE("text cache: a rotating cache that is full starts afresh") {
  const auto model = qwen(128);
  TextCache memory(*model, {.window = 16});
  GenerateOptions options{.max_tokens = 20};
  options.cache.window = 16;
  options.memory = &memory;
  const Generation first = generate(*model, bytes(), prompt, options);
  std::vector<int32_t> next = prompt;
  next.insert(next.end(), first.ids.begin(), first.ids.end());
  const auto text = longer(next, 3);
  const Generation known = generate(*model, bytes(), text, options);
  CHECK(known.cached_tokens == 5 + 19); // goes on
  const Generation back = generate(*model, bytes(), prompt, options);
  CHECK(back.cached_tokens == 0);
  CHECK(back.ids == first.ids);
  options.memory = nullptr;
  CHECK(generate(*model, bytes(), text, options).ids == known.ids);
}

TEST_CASE("text cache: comes back from a file") {
  const llm::test::TemporaryFolder folder;
  const std::filesystem::path path = folder / "prompt.safetensors";
  const auto model = qwen(128);
  for (const llm::CacheOptions& cache :
       {llm::CacheOptions{},
        llm::CacheOptions{.window = 12},
        llm::CacheOptions{.window = 100}}) {
    GenerateOptions options{.max_tokens = 12};
    options.cache = cache;
    TextCache memory(*model, cache);
    options.memory = &memory;
    const Generation first = generate(*model, bytes(), prompt, options);
    save_text_cache(path, memory, *model);
    TextCache loaded = load_text_cache(path, *model, cache);
    CHECK(loaded.ids == memory.ids);
    std::vector<int32_t> next = prompt;
    next.insert(next.end(), first.ids.begin(), first.ids.end());
    const auto text = longer(next, 1);
    const Generation expected = generate(*model, bytes(), text, options);
    options.memory = &loaded;
    const Generation out = generate(*model, bytes(), text, options);
    CHECK(out.cached_tokens == 5 + 11);
    CHECK(out.ids == expected.ids);
    CHECK(out.logprobs == expected.logprobs);
  }
}

TEST_CASE("text cache: a file of another model or other options is refused") {
  const llm::test::TemporaryFolder folder;
  const std::filesystem::path path = folder / "prompt.safetensors";
  const auto model = qwen(128);
  TextCache memory(*model);
  GenerateOptions options{.max_tokens = 3};
  options.memory = &memory;
  generate(*model, bytes(), prompt, options);
  save_text_cache(path, memory, *model);
  const auto refused = [&](const llm::LanguageModel& other,
                           const llm::CacheOptions& cache,
                           const char* reason) {
    CHECK_THROWS_WITH_AS(
        load_text_cache(path, other, cache),
        doctest::Contains(reason),
        llm::InputError);
  };
  refused(*gpt(128), {}, "it belongs to another model");
  refused(*qwen(64), {}, "it belongs to another model");
  auto tuned = qwen(128);
  llm::nn::Parameters p = tuned->parameters();
  auto& weight = p.at("model.layers.1.mlp.up_proj.weight");
  weight = mx::multiply(weight, mx::array(1.001f));
  tuned->assign(p);
  refused(*tuned, {}, "it belongs to another model");
  CHECK(fingerprint(*tuned) != fingerprint(*model));
  CHECK(fingerprint(*qwen(128)) == fingerprint(*model));
  refused(*model, {.window = 8}, "made with window 0, bits 0 but received");

  const std::string good = llm::read_file(path);
  for (size_t n : {size_t{0}, size_t{7}, good.size() / 2, good.size() - 1}) {
    llm::write_file_atomically(path, good.substr(0, n));
    CHECK_THROWS_AS(load_text_cache(path, *model, {}), llm::InputError);
  }
}
