// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>
#include <mlx/mlx.h>

#include "llm/core/error.h"
#include "llm/nn/activation.h"
#include "llm/nn/attention.h"
#include "llm/nn/backend.h"
#include "llm/nn/checkpoint.h"
#include "llm/nn/dropout.h"
#include "llm/nn/init.h"
#include "llm/nn/linear.h"
#include "llm/nn/loss.h"

using namespace llm;
using doctest::Approx;

namespace {

struct Mlp {
  nn::Linear up, down;
  nn::Dropout drop{0.5f};
  Mlp() : up(3, 5), down(5, 2, false) {}
  mx::array operator()(const mx::array& x) const {
    return down(nn::apply(nn::Activation::gelu, drop(up(x))));
  }
  static void visit(auto& self, auto&& f) {
    f("up", self.up);
    f("down", self.down);
    f("drop", self.drop);
  }
};

struct Stack {
  std::vector<Mlp> layers;
  static void visit(auto& self, auto&& f) {
    f("layers", self.layers);
  }
};

template <class Model>
void fill(Model& model) {
  nn::for_each<mx::array>(model, [](const std::string& path, mx::array& a) {
    a = nn::normal_init(a, 0.5f, 1, path);
  });
}

float distance(const mx::array& a, const mx::array& b) {
  return mx::max(mx::abs(mx::subtract(a, b))).item<float>();
}

} // namespace

TEST_CASE("module: parameters have the names of the members") {
  Stack stack;
  stack.layers.emplace_back();
  stack.layers.emplace_back();
  const nn::Parameters p = nn::parameters(stack);
  std::vector<std::string> names;
  for (const auto& [name, array] : p) {
    names.push_back(name);
  }
  CHECK(
      names ==
      std::vector<std::string>{
          "layers.0.down.weight",
          "layers.0.up.bias",
          "layers.0.up.weight",
          "layers.1.down.weight",
          "layers.1.up.bias",
          "layers.1.up.weight"});
  CHECK(nn::count(p) == 2 * (10 + 5 + 15));
}

TEST_CASE("module: update lists what is missing, unexpected and misshapen") {
  Mlp mlp;
  nn::Parameters p = nn::parameters(mlp);
  p.erase("up.bias");
  p.insert_or_assign("extra", mx::zeros({1}));
  p.insert_or_assign("down.weight", mx::zeros({7, 7}));
  try {
    nn::update(mlp, p, "here");
    FAIL("no error");
  } catch (const InputError& error) {
    const std::string text = error.what();
    CHECK(text.find("missing: up.bias") != std::string::npos);
    CHECK(text.find("unexpected: extra") != std::string::npos);
    CHECK(
        text.find("down.weight expected (2,5) but received (7,7)") !=
        std::string::npos);
    CHECK(text.find('\n') == std::string::npos);
  }
}

TEST_CASE("module: initial values depend on seed and name alone") {
  const mx::array like = mx::zeros({4, 4});
  const mx::array a = nn::normal_init(like, 1, 1, "x");
  CHECK(mx::array_equal(a, nn::normal_init(like, 1, 1, "x")).item<bool>());
  CHECK_FALSE(
      mx::array_equal(a, nn::normal_init(like, 1, 1, "y")).item<bool>());
  CHECK_FALSE(
      mx::array_equal(a, nn::normal_init(like, 1, 2, "x")).item<bool>());
  Stack stack;
  stack.layers.emplace_back();
  stack.layers.emplace_back();
  fill(stack);
  CHECK(distance(stack.layers[0].up.weight, stack.layers[1].up.weight) > 0.01f);
}

TEST_CASE("module: the gradient equals finite differences") {
  Mlp mlp;
  fill(mlp);
  const mx::array x = mx::random::normal({4, 3}, mx::random::key(3));
  auto loss = [&](const nn::Parameters& p) {
    nn::assign(mlp, p);
    return std::vector<mx::array>{mx::mean(mx::square(mlp(x)))};
  };
  const nn::Parameters p = nn::parameters(mlp);
  const nn::ValueAndGrad result = nn::value_and_grad(loss, p);
  for (const auto& [name, array] : p) {
    CAPTURE(name);
    for (int i = 0; i < static_cast<int>(array.size()); i += 3) {
      const float h = 1e-2f;
      auto at = [&](float step) {
        std::vector<float> delta(array.size(), 0.0f);
        delta[i] = step;
        nn::Parameters moved = p;
        moved.insert_or_assign(
            name, mx::add(array, mx::array(delta.begin(), array.shape())));
        return loss(moved)[0].item<float>();
      };
      const float numeric = (at(h) - at(-h)) / (2 * h);
      const float exact =
          mx::take(mx::flatten(result.grads.at(name)), i).item<float>();
      CHECK(numeric == Approx(exact).epsilon(0.02).scale(0.1));
    }
  }
}

TEST_CASE("module: value_and_grad refuses an empty set") {
  CHECK_THROWS_AS(
      nn::value_and_grad(
          [](const nn::Parameters&) { return std::vector<mx::array>{}; }, {}),
      UsageError);
}

TEST_CASE("checkpointed: same value and gradients as without") {
  Mlp mlp;
  fill(mlp);
  const nn::Parameters p = nn::parameters(mlp);
  const mx::array x = mx::random::normal({4, 3}, mx::random::key(5));
  auto run = [&](bool checkpoint) {
    Mlp model = mlp;
    return nn::value_and_grad(
        [&](const nn::Parameters& values) {
          nn::assign(model, values);
          const mx::array y =
              checkpoint ? nn::checkpointed(model, x) : model(x);
          return std::vector<mx::array>{mx::sum(mx::square(y))};
        },
        p);
  };
  const nn::ValueAndGrad plain = run(false), kept = run(true);
  CHECK(distance(plain.values[0], kept.values[0]) < 1e-6f);
  for (const auto& [name, grad] : plain.grads) {
    CHECK(mx::max(mx::abs(grad)).item<float>() > 0);
    CHECK(distance(grad, kept.grads.at(name)) < 1e-5f);
  }
}

TEST_CASE("dropout: off by default, keeps the mean, one mask for one key") {
  nn::Dropout drop(0.25f);
  const mx::array x = mx::ones({200, 200});
  CHECK(distance(drop(x), x) == 0);
  drop.key = mx::random::key(1);
  const mx::array y = drop(x);
  CHECK(mx::mean(y).item<float>() == Approx(1.0).epsilon(0.02));
  CHECK(
      mx::mean(mx::astype(mx::equal(y, mx::array(0.0f)), mx::float32))
          .item<float>() == Approx(0.25).epsilon(0.05));
  CHECK(distance(drop(x), y) == 0);

  Stack stack;
  stack.layers.emplace_back();
  stack.layers.emplace_back();
  nn::set_dropout_key(stack, mx::random::key(7));
  CHECK_FALSE(
      mx::array_equal(*stack.layers[0].drop.key, *stack.layers[1].drop.key)
          .item<bool>());
  nn::set_dropout_key(stack, std::nullopt);
  CHECK_FALSE(stack.layers[1].drop.key.has_value());
}

TEST_CASE("attention: weights sum to one, see no future, equal the fused one") {
  const mx::array q = mx::random::normal({2, 4, 5, 8}, mx::random::key(1));
  const mx::array k = mx::random::normal({2, 2, 9, 8}, mx::random::key(2));
  const mx::array v = mx::random::normal({2, 2, 9, 8}, mx::random::key(3));
  const mx::array w = nn::attention_weights(q, k); // [2, 4, 5, 9]
  CHECK(distance(mx::sum(w, -1), mx::ones({2, 4, 5})) < 1e-6f);
  for (int query = 0; query < 5; ++query) {
    const mx::array future =
        mx::slice(w, {0, 0, query, 5 + query}, {2, 4, query + 1, 9});
    if (future.size() > 0) {
      CHECK(mx::max(future).item<float>() == 0);
    }
  }
  const mx::array values = mx::repeat(v, 2, 1);
  CHECK(distance(mx::matmul(w, values), nn::causal_attention(q, k, v)) < 1e-5f);
}

TEST_CASE("loss: uniform logits cost ln V") {
  const mx::array logits = mx::zeros({3, 65});
  const mx::array targets = mx::array({0, 7, 64}, {3});
  CHECK(
      nn::cross_entropy(logits, targets).item<float>() ==
      Approx(std::log(65.0)));
}

TEST_CASE("activation: names, and values from the formulas") {
  CHECK_THROWS_AS(nn::parse_activation("swish"), UsageError);
  for (const char* name : {"gelu", "gelu_new", "relu", "silu"}) {
    CHECK(nn::to_string(nn::parse_activation(name)) == name);
  }
  for (const float x : {-3.0f, -0.5f, 0.0f, 0.7f, 2.5f}) {
    const double u = x;
    auto value = [&](nn::Activation a) {
      return nn::apply(a, mx::array(x)).item<float>();
    };
    CHECK(
        value(nn::Activation::gelu) ==
        Approx(u / 2 * (1 + std::erf(u / std::sqrt(2.0)))).epsilon(1e-5));
    CHECK(
        value(nn::Activation::gelu_new) ==
        Approx(
            u / 2 *
            (1 +
             std::tanh(
                 std::sqrt(2 / 3.14159265358979) * (u + 0.044715 * u * u * u))))
            .epsilon(1e-5));
    CHECK(value(nn::Activation::relu) == Approx(std::max(0.0, u)));
    CHECK(value(nn::Activation::silu) == Approx(u / (1 + std::exp(-u))));
  }
}

TEST_CASE("backend: why there is no GPU, and what to do") {
  const auto says = [](const std::string& text, const char* words) {
    return text.find(words) != std::string::npos;
  };
  const auto cpu = cuda_device_problem("gpu", false, false, "");
  CHECK(says(cpu, "CPU backend only"));
  CHECK(says(cpu, "./tutorial start --device cuda"));
  CHECK(says(cuda_device_problem("cuda", true, false, ""), "this is a Mac"));
  const auto gone = cuda_device_problem("cpu", false, true, "");
  CHECK(says(gone, "none answers"));
  CHECK(says(gone, "nvidia-smi"));
  const auto old = cuda_device_problem("gpu", false, true, "driver too old");
  CHECK(says(old, "driver too old"));
  CHECK(says(old, "580"));
}

TEST_CASE("backend: another MLX than the one built for is refused") {
  CHECK_NOTHROW(check_mlx_version("0.32.4", "0.32.4"));
  try {
    check_mlx_version("0.32.4", "0.31.2");
    FAIL("no error");
  } catch (const InputError& error) {
    CHECK(
        std::string(error.what()).find("built for 0.32.4, found 0.31.2") !=
        std::string::npos);
  }
  CHECK(mlx_built_for() == mlx_found());
}

TEST_CASE("backend: a fast BLAS multiplies") {
  // The wheel's own reference BLAS reaches about 6 GFLOP/s; any tuned one is
  // several times faster on any machine that runs these tests.
  CHECK(blas_name() != "reference BLAS");
  CHECK(measure_sgemm_gflops() > 15);
}
