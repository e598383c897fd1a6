// SPDX-License-Identifier: MIT
//
// Topic 7 against the samplers of Hugging Face transformers (tests/golden,
// samplers.safetensors) and counts.

#include "exercises/include/sampling.h"

#include "exercises/tests/expect_array.h"
#include "exercises/tests/golden.h"

using ex::expect_near;

namespace {

/** [4, 300], from flat to peaked. */
mx::array logits() {
  return ex::golden("logits", "samplers");
}

void expect_temperature(float temperature, const std::string& name) {
  expect_near(
      "probabilities at temperature " + ex::text(temperature),
      ex::probabilities(logits(), temperature),
      mx::softmax(ex::golden(name, "samplers"), -1));
}

void expect_top_p(const mx::array& x, float p, const mx::array& want) {
  expect_near("keep_top_p with p = " + ex::text(p), ex::keep_top_p(x, p), want);
}

void expect_token(const std::vector<float>& p, float u, int want) {
  std::vector<double> shown(p.begin(), p.end());
  ex::expect_equal(
      "draw(" + ex::text(shown) + ", " + ex::text(u) + ")",
      ex::draw(p, u),
      want);
}

/** The scores of these probabilities. */
mx::array scores(std::initializer_list<float> probabilities) {
  return mx::log(mx::array(probabilities));
}

/** How many tokens keep a score. */
int kept(const mx::array& x) {
  int n = 0;
  for (float score : ex::values(x)) {
    n += std::isfinite(score);
  }
  return n;
}

} // namespace

TEST_CASE("7.1 probabilities: the scores are divided, not multiplied") {
  expect_temperature(0.5f, "temperature.0");
  expect_temperature(1.7f, "temperature.1");
}

TEST_CASE("7.1 probabilities: each row sums to 1, at every temperature") {
  for (float temperature : {0.0f, 0.1f, 1.0f, 10.0f}) {
    expect_near(
        "the sums at temperature " + ex::text(temperature),
        mx::sum(ex::probabilities(logits(), temperature), -1),
        mx::ones({4}));
  }
}

TEST_CASE("7.1 probabilities: temperature 0 takes the best token alone") {
  const mx::array x({1.0f, 3.0f, 2.0f, 9.0f, -1.0f, 0.0f}, {2, 3});
  const mx::array want({0.0f, 1.0f, 0.0f, 1.0f, 0.0f, 0.0f}, {2, 3});
  expect_near("probabilities at 0", ex::probabilities(x, 0), want);
}

TEST_CASE("7.1 probabilities: a small temperature does not overflow") {
  const mx::array x({50.0f, 49.0f});
  expect_near(
      "probabilities of [50, 49] at 0.01",
      ex::probabilities(x, 0.01f),
      mx::array({1.0f, 0.0f}));
}

TEST_CASE("7.2 draw: the token on whose part u lies") {
  expect_token({0.25f, 0.5f, 0.25f}, 0.1f, 0);
  expect_token({0.25f, 0.5f, 0.25f}, 0.6f, 1);
  expect_token({0.25f, 0.5f, 0.25f}, 0.9f, 2);
}

TEST_CASE("7.2 draw: a border belongs to the token after it (> and not >=)") {
  expect_token({0.25f, 0.5f, 0.25f}, 0.25f, 1);
  expect_token({0.25f, 0.5f, 0.25f}, 0.75f, 2);
}

TEST_CASE("7.2 draw: a token of probability 0 never comes") {
  expect_token({0.0f, 1.0f}, 0.0f, 1);
  expect_token({0.5f, 0.0f, 0.5f}, 0.5f, 2);
}

TEST_CASE("7.2 draw: rounding leaves no u without a token") {
  // The sum is below 1 by less than a float can say: here by much.
  expect_token({0.5f, 0.25f}, 0.99f, 1);
  expect_token({0.5f, 0.25f, 0.0f}, 0.99f, 1);
}

TEST_CASE("7.2 draw: as often as the probabilities say") {
  const std::vector<float> p = {0.1f, 0.6f, 0.0f, 0.3f};
  std::vector<int> counts(p.size());
  for (int i = 0; i < 1000; ++i) {
    ++counts.at(ex::draw(p, (static_cast<float>(i) + 0.5f) / 1000));
  }
  ex::expect_equal("counts of 1000 draws", counts, {100, 600, 0, 300});
}

TEST_CASE("7.3 keep_top_p: as Hugging Face transformers") {
  const std::vector<float> ps = {0.01f, 0.5f, 0.9f, 0.99f};
  for (size_t i = 0; i < ps.size(); ++i) {
    const std::string name = "top_p." + ex::text(static_cast<int>(i));
    expect_top_p(logits(), ps[i], ex::golden(name, "samplers"));
  }
}

TEST_CASE("7.3 keep_top_p: the token that reaches p stays") {
  const mx::array x = scores({0.1f, 0.5f, 0.4f});
  const float none = -INFINITY;
  const std::vector<float> s = ex::values(x);
  expect_top_p(x, 0.6f, mx::array({none, s[1], s[2]}));
}

TEST_CASE("7.3 keep_top_p: not more than it takes to reach p") {
  const mx::array x = scores({0.1f, 0.5f, 0.4f});
  const float none = -INFINITY;
  expect_top_p(x, 0.45f, mx::array({none, ex::values(x)[1], none}));
}

TEST_CASE("7.3 keep_top_p: at least one token, all with p = 1") {
  const mx::array x = scores({0.2f, 0.5f, 0.3f});
  ex::expect_equal("tokens with p = 0", kept(ex::keep_top_p(x, 0)), 1);
  ex::expect_equal("tokens with p = 1", kept(ex::keep_top_p(x, 1)), 3);
}

TEST_CASE("7.3 keep_top_p: of equal tokens no more than needed") {
  const mx::array even = mx::zeros({8});
  ex::expect_equal(
      "tokens of 8 equal ones with p = 0.5",
      kept(ex::keep_top_p(even, 0.5f)),
      4);
}
