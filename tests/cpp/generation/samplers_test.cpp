// SPDX-License-Identifier: MIT
//
// Every stage against someone else's sampler (golden/make_samplers.py).

#include "llm/generation/samplers.h"

#include <cmath>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <mlx/mlx.h>

#include "llm/core/error.h"
#include "llm/generation/logits.h"

using llm::SamplingConfig;

namespace mx = mlx::core;

namespace {

constexpr float inf = std::numeric_limits<float>::infinity();

const mx::array& golden(const std::string& name) {
  static const auto all =
      mx::load_safetensors(LLM_GOLDEN_DIR "/samplers.safetensors").first;
  return all.at(name);
}

std::vector<float> values(const mx::array& x) {
  const mx::array flat = mx::flatten(mx::astype(x, mx::float32));
  mx::array row = mx::contiguous(flat);
  row.eval();
  return {row.data<float>(), row.data<float>() + row.size()};
}

std::vector<int32_t> seen() {
  mx::array ids = golden("seen");
  ids.eval();
  return {ids.data<int32_t>(), ids.data<int32_t>() + ids.size()};
}

// The same tokens are removed, the others have the same logits up to `shift`
// of a row, which changes no probability.
void check_same(const mx::array& got, const mx::array& want, bool shift) {
  REQUIRE(got.shape() == want.shape());
  const auto row = [&](const mx::array& x) {
    return values(shift ? mx::subtract(x, mx::logsumexp(x, -1, true)) : x);
  };
  const std::vector<float> a = row(got);
  const std::vector<float> b = row(want);
  for (size_t i = 0; i < a.size(); ++i) {
    CAPTURE(i);
    REQUIRE((a[i] == -inf) == (b[i] == -inf));
    if (a[i] != -inf) {
      REQUIRE(a[i] == doctest::Approx(b[i]).epsilon(1e-5));
    }
  }
}

void check_stage(
    const std::string& name,
    float SamplingConfig::* option,
    const std::vector<float>& options) {
  for (size_t i = 0; i < options.size(); ++i) {
    SamplingConfig config;
    config.*option = options[i];
    const auto chain = llm::make_chain(config);
    REQUIRE(chain.size() == 1);
    const std::string key = name + "." + std::to_string(i);
    CAPTURE(key);
    check_same(
        llm::apply_chain(chain, golden("logits"), seen()),
        golden(key),
        name == "temperature");
  }
}

std::vector<llm::SamplerStage> full_chain() {
  return llm::make_chain(
      {.temperature = 0.7f,
       .top_k = 60,
       .top_p = 0.8f,
       .min_p = 0.05f,
       .typical_p = 0.9f,
       .repetition_penalty = 1.2f,
       .frequency_penalty = 0.1f,
       .presence_penalty = 0.2f});
}

int kept(const mx::array& logits) {
  int n = 0;
  for (float x : values(logits)) {
    n += x != -inf;
  }
  return n;
}

} // namespace

TEST_CASE("samplers: each stage equals the reference") {
  check_stage("repetition", &SamplingConfig::repetition_penalty, {1.3f, 0.7f});
  check_stage("frequency", &SamplingConfig::frequency_penalty, {0.5f, -0.25f});
  check_stage("presence", &SamplingConfig::presence_penalty, {0.5f, -0.25f});
  check_stage("typical", &SamplingConfig::typical_p, {0.05f, 0.5f, 0.95f});
  check_stage("top_p", &SamplingConfig::top_p, {0.01f, 0.5f, 0.9f, 0.99f});
  check_stage("min_p", &SamplingConfig::min_p, {0.01f, 0.1f, 0.9f});
  check_stage("temperature", &SamplingConfig::temperature, {0.5f, 1.7f});
  const std::vector<int> ks = {1, 10, 299};
  for (size_t i = 0; i < ks.size(); ++i) {
    const auto chain = llm::make_chain({.top_k = ks[i]});
    check_same(
        llm::apply_chain(chain, golden("logits"), {}),
        golden("top_k." + std::to_string(i)),
        false);
  }
}

TEST_CASE("samplers: the whole chain equals the reference, for one row too") {
  const auto chain = full_chain();
  check_same(
      llm::apply_chain(chain, golden("logits"), seen()), golden("chain"), true);
  check_same(
      llm::apply_chain(chain, mx::take(golden("logits"), 1, 0), seen()),
      mx::take(golden("chain"), 1, 0),
      true);
}

TEST_CASE("samplers: probabilities sum to 1 after each stage") {
  mx::array x = golden("logits");
  for (const auto& stage : full_chain()) {
    CAPTURE(stage.name);
    x = stage.apply(x, seen());
    for (float sum : values(mx::sum(mx::softmax(x, -1), -1))) {
      CHECK(sum == doctest::Approx(1).epsilon(1e-5));
    }
  }
}

TEST_CASE("samplers: the chain lists its active stages in order") {
  std::vector<std::string> names;
  for (const auto& stage : full_chain()) {
    names.push_back(stage.name);
  }
  CHECK(
      names ==
      std::vector<std::string>{
          "repetition-penalty",
          "frequency-penalty",
          "presence-penalty",
          "top-k",
          "typical-p",
          "top-p",
          "min-p",
          "temperature"});
  CHECK(llm::make_chain({}).empty());
  const std::string text =
      llm::describe(llm::make_chain({.temperature = 0.5f, .top_k = 40}));
  CHECK(
      text ==
      "1. top-k: keeps the 40 most likely tokens\n"
      "2. temperature: divides the logits by 0.5: likely tokens become more "
      "likely\n"
      "3. draw: takes one token by the probabilities that are left\n");
  const auto greedy = llm::make_chain(
      {.temperature = 0, .top_k = 5, .typical_p = 0.1f, .presence_penalty = 1});
  REQUIRE(greedy.size() == 2);
  CHECK(greedy[0].name == "presence-penalty");
  CHECK(greedy[1].name == "greedy");
}

TEST_CASE("samplers: ties and extremes") {
  const mx::array even = mx::zeros({8});
  for (int k : {1, 3, 8, 100}) {
    CHECK(kept(llm::keep_top_k(even, k)) == std::min(k, 8));
  }
  const std::vector<float> two = values(llm::keep_top_k(even, 2));
  CHECK(two[0] == 0); // the lower ids stay
  CHECK(two[1] == 0);
  CHECK(two[2] == -inf);
  CHECK(kept(llm::keep_top_p(even, 0.5f)) == 4);
  CHECK(kept(llm::keep_top_p(even, 0.51f)) == 5);
  CHECK(kept(llm::keep_top_p(even, 0)) == 1);
  CHECK(kept(llm::keep_typical_p(even, 0)) == 1);
  CHECK(kept(llm::keep_min_p(even, 1)) == 8);
  CHECK(kept(llm::keep_min_p(even, 0)) == 8);
  CHECK(kept(llm::keep_best(even)) == 1);
  // A stage never brings a removed token back.
  const mx::array some = mx::array({1.0f, -inf, 0.5f, -inf});
  CHECK(kept(llm::keep_top_k(some, 3)) == 2);
  CHECK(kept(llm::keep_top_p(some, 0.999f)) == 2);
  CHECK(kept(llm::keep_typical_p(some, 0.999f)) == 2);
  CHECK(kept(llm::penalize_repetition(some, {1, 2}, 2)) == 2);
  CHECK(kept(llm::divide_by_temperature(some, 0.001f)) == 2);
  // The smallest temperature does not overflow.
  const mx::array large = mx::array({3e38f, -3e38f, 1.0f});
  const auto cold =
      values(mx::softmax(llm::divide_by_temperature(large, 0.001f)));
  CHECK(cold[0] == 1);
  CHECK(cold[1] == 0);
}

TEST_CASE("samplers: options out of range are named") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::
      map<std::string, std::pair<float SamplingConfig::*, std::vector<float>>>
          wrong = {
              {"temperature",
               {&SamplingConfig::temperature, {-1, 1e-6f, 101, inf, nan}}},
              {"top-p", {&SamplingConfig::top_p, {-0.1f, 1.1f, inf, nan}}},
              {"min-p", {&SamplingConfig::min_p, {-0.1f, 1.1f, inf, nan}}},
              {"typical-p", {&SamplingConfig::typical_p, {-0.1f, 1.1f, nan}}},
              {"repetition-penalty",
               {&SamplingConfig::repetition_penalty, {0, -1, 101, inf, nan}}},
              {"frequency-penalty",
               {&SamplingConfig::frequency_penalty, {-2.1f, 2.1f, nan}}},
              {"presence-penalty",
               {&SamplingConfig::presence_penalty, {-2.1f, 2.1f, nan}}},
          };
  for (const auto& [name, wrong_values] : wrong) {
    for (float value : wrong_values.second) {
      SamplingConfig config;
      config.*wrong_values.first = value;
      CAPTURE(value);
      CHECK_THROWS_WITH_AS(
          llm::make_chain(config),
          doctest::Contains(("expected " + name + " from ").c_str()),
          llm::UsageError);
    }
  }
  CHECK_THROWS_WITH_AS(
      llm::check({.top_k = -1}), doctest::Contains("top-k"), llm::UsageError);
  CHECK_THROWS_WITH_AS(
      llm::penalize_presence(mx::zeros({4}), {1, 4}, 1),
      doctest::Contains("from 0 to 3 but received 4"),
      llm::UsageError);
}
