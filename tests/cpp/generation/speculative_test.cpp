// SPDX-License-Identifier: MIT
//
// Speculative decoding: the greedy text is the plain one, and the distribution
// of what is drawn is the model's.

#include "llm/generation/speculative.h"

#include <algorithm>
#include <map>

#include "llm/core/error.h"
#include "llm/core/random.h"
#include "llm/generation/speculative_step.h"
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
    GenerateOptions options{.max_tokens = 50};
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
      CHECK(out.drafted >= 40);
      CHECK(out.accepted > 10);
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

TEST_CASE("speculative: what is kept or drawn again has distribution p") {
  llm::Random random(6);
  const int n = 6, draws = 20000;
  for (int round = 0; round < 12; ++round) {
    std::vector<float> p(n), q(n);
    for (std::vector<float>* x : {&p, &q}) {
      float sum = 0;
      for (float& value : *x) {
        value = random.below(4) == 0
            ? 0.0f
            : static_cast<float>(random.uniform()) + 0.05f;
        sum += value;
      }
      for (float& value : *x) {
        value /= sum;
      }
    }
    const int certain = static_cast<int>(random.below(n));
    const bool drawn = round % 3 != 0; // else the guess is always the same
    std::vector<double> count(n);
    int kept = 0;
    for (int i = 0; i < draws; ++i) {
      const int32_t id = drawn
          ? llm::draw_index({q.begin(), q.end()}, random.uniform())
          : certain;
      const auto [out, is_kept] = llm::keep_or_redraw(
          id, drawn ? q.data() : nullptr, p.data(), n, random);
      count[out] += 1;
      kept += is_kept ? 1 : 0;
    }
    double statistic = 0, overlap = 0;
    for (int i = 0; i < n; ++i) {
      const double expected = p[i] * static_cast<double>(draws);
      if (p[i] == 0) {
        CHECK(count[i] == 0);
      } else {
        statistic += (count[i] - expected) * (count[i] - expected) / expected;
      }
      overlap += drawn ? std::min(p[i], q[i]) : i == certain ? p[i] : 0.0f;
    }
    CHECK(statistic < 20.52); // the 99.9 % quantile of 5 degrees of freedom
    // As many are kept as the theory says: the overlap of p and q.
    CHECK(std::abs(kept - draws * overlap) < 4 * std::sqrt(draws / 4.0));
  }
}

TEST_CASE("speculative: texts have the model's distribution") {
  // Three tokens with two choices each: eight texts, whose probabilities are
  // computed without any drawing.
  const auto model = gpt(16);
  const auto other = near(*model);
  GenerateOptions options{.max_tokens = 3, .draft_tokens = 2};
  options.sampling = {.temperature = 3, .top_k = 2};
  const auto chain = llm::make_chain(options.sampling);
  std::map<std::vector<int32_t>, double> expected = {{{7}, 1.0}};
  for (int i = 0; i < 3; ++i) {
    std::map<std::vector<int32_t>, double> longer;
    for (const auto& [text, probability] : expected) {
      const mx::array logits = model->logits(row(text));
      const mx::array p = mx::softmax(
          llm::apply_chain(chain, mx::flatten(mx::take(logits, i, 1)), text));
      mx::array(p).eval();
      for (int32_t id = 0; id < vocabulary; ++id) {
        if (p.data<float>()[id] > 0) {
          std::vector<int32_t> next = text;
          next.push_back(id);
          longer[next] = probability * static_cast<double>(p.data<float>()[id]);
        }
      }
    }
    expected = longer;
  }
  REQUIRE(expected.size() == 8);
  const int runs = 200;
  llm::ModelDrafter by_model(*other, vocabulary);
  Nonsense nonsense;
  for (llm::Drafter* drafter :
       std::initializer_list<llm::Drafter*>{&by_model, &nonsense}) {
    std::map<std::vector<int32_t>, int> count;
    options.drafter = drafter;
    for (int i = 0; i < runs; ++i) {
      options.sampling.seed += 1;
      std::vector<int32_t> text = {7};
      const Generation out = generate(*model, bytes(), text, options);
      text.insert(text.end(), out.ids.begin(), out.ids.end());
      REQUIRE(expected.contains(text));
      count[text] += 1;
    }
    double statistic = 0;
    for (const auto& [text, probability] : expected) {
      const double mean = probability * runs;
      statistic += (count[text] - mean) * (count[text] - mean) / mean;
    }
    CHECK(statistic < 24.32); // the 99.9 % quantile of 7 degrees of freedom
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
