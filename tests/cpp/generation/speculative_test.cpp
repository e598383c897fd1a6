// SPDX-License-Identifier: MIT
//
// Speculative decoding: the greedy text is the plain one, and the distribution
// of what is drawn is the model's.

#include "llm/generation/speculative.h"

#include <algorithm>
#include <map>

#include "llm/core/error.h"
#include "tests/cpp/generation/small_models.h"

using llm::GenerateOptions;
using llm::Generation;
using namespace small;

namespace {

/** Repeats itself, as greedy texts of small models do; says nothing true. */
class Nonsense : public llm::Drafter {
 public:
  llm::Draft propose(
      const std::vector<int32_t>& text,
      int n,
      const std::vector<llm::SamplerStage>&,
      uint64_t) override {
    std::vector<int32_t> ids;
    for (int i = 0; i < n; ++i) {
      ids.push_back((text.back() * 3 + i) % vocabulary);
    }
    return {ids};
  }
};

/** The model, a little moved: right often, not always. */
std::unique_ptr<llm::LanguageModel> near(const llm::LanguageModel& model) {
  auto out = llm::make_model(model.config());
  llm::nn::Parameters p = model.parameters();
  uint64_t seed = 0;
  for (auto& [path, array] : p) {
    array = mx::add(
        array,
        mx::random::normal(
            array.shape(), mx::float32, 0, 0.02f, mx::random::key(++seed)));
  }
  out->assign(p);
  return out;
}

Generation run(
    const llm::LanguageModel& model,
    GenerateOptions options,
    llm::Drafter* drafter) {
  options.drafter = drafter;
  return generate(model, bytes(), prompt, options);
}

void check_same(const Generation& a, const Generation& b) {
  CHECK(a.ids == b.ids);
  CHECK(a.text == b.text);
  CHECK(a.finish_reason == b.finish_reason);
  REQUIRE(a.logprobs.size() == b.logprobs.size());
  for (size_t i = 0; i < a.logprobs.size(); ++i) {
    CHECK(std::abs(a.logprobs[i] - b.logprobs[i]) < 1e-4f);
  }
}

} // namespace

TEST_CASE("speculative: the greedy text is the plain greedy text") {
  for (const auto& model : {gpt(128), qwen(128)}) {
    CAPTURE(model->model_type());
    const auto small_one = near(*model);
    GenerateOptions options{.max_tokens = 100};
    options.sampling.temperature = 0;
    for (float penalty : {1.0f, 1.3f}) {
      options.sampling.repetition_penalty = penalty;
      const Generation plain = generate(*model, bytes(), prompt, options);
      llm::ModelDrafter by_model(*small_one, vocabulary);
      llm::PromptLookup by_lookup;
      Nonsense nonsense;
      for (llm::Drafter* drafter : std::initializer_list<llm::Drafter*>{
               &by_model, &by_lookup, &nonsense}) {
        const Generation out = run(*model, options, drafter);
        check_same(out, plain);
        CHECK(out.accepted <= out.drafted);
      }
      const Generation out = run(*model, options, &by_model);
      CHECK(out.drafted > 100);
      CHECK(out.accepted > 20);
      CHECK(out.accepted < out.drafted);
    }
  }
}

TEST_CASE("speculative: rotating caches, windows and the context's end") {
  GenerateOptions options{.max_tokens = 60};
  options.sampling.temperature = 0;
  llm::PromptLookup lookup;
  for (const bool slide : {true, false}) {
    options.slide = slide;
    check_same(
        run(*qwen(32), options, &lookup), run(*qwen(32), options, nullptr));
  }
  options.cache.window = 24; // no guesses once it is full
  const auto model = qwen(128);
  const Generation out = run(*model, options, &lookup);
  check_same(out, run(*model, options, nullptr));
  CHECK(out.drafted > 0);
  options.cache = {};
  CHECK(run(*model, options, &lookup).drafted > out.drafted);
}

TEST_CASE("speculative: in a grammar, and an end token in a guess") {
  const auto model = gpt(128);
  llm::TokenGrammar grammar(
      llm::parse_output_grammar("root ::= ([a-d] [0-9])*"), bytes());
  GenerateOptions options{.max_tokens = 60};
  options.sampling.temperature = 0;
  options.grammar = &grammar;
  llm::PromptLookup lookup;
  const Generation plain = run(*model, options, nullptr);
  check_same(run(*model, options, &lookup), plain);
  options.grammar = nullptr;
  const Generation all = run(*model, options, nullptr);
  options.eos = {all.ids[30]};
  check_same(run(*model, options, &lookup), run(*model, options, nullptr));
}

TEST_CASE("speculative: draws have the model's distribution") {
  // The second and third token of texts that are drawn with many seeds: their
  // counts with and without guesses come from one distribution.
  const auto model = gpt(16);
  const auto other = near(*model);
  const int runs = 1500;
  GenerateOptions options{.max_tokens = 3, .draft_tokens = 2};
  options.sampling = {.temperature = 0.7f, .top_k = 4};
  llm::ModelDrafter by_model(*other, vocabulary);
  Nonsense nonsense;
  std::map<std::vector<int32_t>, std::array<double, 3>> counts;
  int kind = 0;
  for (llm::Drafter* drafter :
       std::initializer_list<llm::Drafter*>{nullptr, &by_model, &nonsense}) {
    for (int i = 0; i < runs; ++i) {
      options.sampling.seed = static_cast<uint64_t>(kind * runs + i);
      options.drafter = drafter;
      counts[generate(*model, bytes(), {7}, options).ids][kind] += 1;
    }
    ++kind;
  }
  for (int k : {1, 2}) { // two samples: sum (a - b)^2 / (a + b) is chi square
    double statistic = 0, rare_plain = 0, rare = 0;
    int cells = 0;
    const auto add = [&](double a, double b) {
      if (a + b > 0) {
        statistic += (a - b) * (a - b) / (a + b);
        ++cells;
      }
    };
    for (const auto& [ids, count] : counts) {
      if (count[0] + count[k] < 20) {
        rare_plain += count[0];
        rare += count[k];
      } else {
        add(count[0], count[k]);
      }
    }
    add(rare_plain, rare);
    const double freedom = cells - 1;
    CAPTURE(cells);
    REQUIRE(cells > 10);
    // Mean f, variance 2 f: four deviations are one in tens of thousands.
    CHECK(statistic < freedom + 4 * std::sqrt(2 * freedom));
  }
}

TEST_CASE("speculative: prompt lookup finds the last longest match") {
  llm::PromptLookup lookup(3);
  const auto guess = [&](std::vector<int32_t> text, int n) {
    return lookup.propose(text, n, {}, 0).ids;
  };
  using Ids = std::vector<int32_t>;
  CHECK(guess({1, 2, 3, 4, 5, 9, 1, 2, 3}, 3) == Ids{4, 5, 9});
  CHECK(guess({1, 2, 3, 4, 8, 2, 3, 5, 7, 2, 3}, 2) == Ids{5, 7});
  CHECK(guess({1, 2, 3, 4, 0, 3, 5, 2, 3}, 9) == Ids{4, 0, 3, 5, 2, 3});
  CHECK(guess({5, 5}, 4) == Ids{5});
  CHECK(guess({1, 2, 3}, 4).empty());
  CHECK(guess({1}, 4).empty());
  CHECK_THROWS_AS(llm::ModelDrafter(*gpt(), vocabulary + 1), llm::UsageError);
}
