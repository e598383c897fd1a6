// SPDX-License-Identifier: MIT
//
// The draw: its frequencies, and that it depends on its key alone.

#include <vector>

#include <doctest/doctest.h>
#include <mlx/mlx.h>

#include "llm/generation/samplers.h"

namespace mx = mlx::core;

namespace {

mx::array some_logits(uint64_t i) {
  return mx::random::normal({300}, mx::float32, 0, 2, mx::random::key(i));
}

// Pearson's statistic of `draws` samples against the probabilities that are
// left after the chain. A token without probability must not be drawn.
double chi_square(
    const mx::array& logits,
    const std::vector<llm::SamplerStage>& chain,
    int draws) {
  mx::array left = mx::softmax(llm::apply_chain(chain, logits, {}), -1);
  left.eval();
  const std::vector<float> p(
      left.data<float>(), left.data<float>() + left.size());
  std::vector<int> count(p.size());
  for (int i = 0; i < draws; ++i) {
    ++count[llm::sample(logits, chain, {}, llm::sample_key(5, i))];
  }
  double sum = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    const double expected = static_cast<double>(p[i]) * draws;
    if (p[i] == 0) {
      CHECK(count[i] == 0);
    } else {
      sum += (count[i] - expected) * (count[i] - expected) / expected;
    }
  }
  return sum;
}

} // namespace

TEST_CASE("samplers: frequencies follow the probabilities") {
  const mx::array logits =
      mx::array({1.0f, -0.5f, 0.3f, 2.0f, 0.0f, -1.0f, 1.5f, 0.7f});
  // The 99.9 % quantiles of chi square with 7 and with 3 degrees of freedom.
  CHECK(chi_square(logits, {}, 5000) < 24.32);
  const auto chain = llm::make_chain({.temperature = 1.5f, .top_k = 4});
  CHECK(chi_square(logits, chain, 5000) < 16.27);
}

TEST_CASE("samplers: a draw depends on seed and position only") {
  const mx::array logits = some_logits(0);
  const auto chain = llm::make_chain({.top_k = 100});
  const auto run = [&](uint64_t seed) {
    std::vector<int32_t> out;
    for (int i = 0; i < 20; ++i) {
      out.push_back(llm::sample(logits, chain, {}, llm::sample_key(seed, i)));
    }
    return out;
  };
  const std::vector<int32_t> first = run(1);
  mx::random::seed(99); // MLX's own generator has no part in it
  mx::eval(mx::random::uniform({3}));
  CHECK(run(1) == first);
  CHECK(run(2) != first);
  CHECK(llm::sample(logits, chain, {}, llm::sample_key(1, 7)) == first[7]);
}

TEST_CASE("samplers: greedy is argmax, whatever the key") {
  const auto chain = llm::make_chain({.temperature = 0});
  for (int row = 0; row < 4; ++row) {
    const mx::array logits = some_logits(row);
    const int32_t best =
        mx::astype(mx::argmax(logits), mx::int32).item<int32_t>();
    for (int i = 0; i < 5; ++i) {
      CHECK(llm::sample(logits, chain, {}, llm::sample_key(3, i)) == best);
    }
  }
}
