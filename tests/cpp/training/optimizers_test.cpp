// SPDX-License-Identifier: MIT
//
// The update rules against PyTorch and mlx.optimizers: the same weights and
// gradients, ten updates, in golden/optimizers.safetensors (made by
// golden/make_optimizers.py).

#include "llm/training/optimizers.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>

#include <doctest/doctest.h>
#include <mlx/mlx.h>

#include "llm/core/error.h"
#include "llm/training/muon.h"

using llm::Optimizer;
using llm::OptimizerConfig;
using llm::OptimizerStep;
using llm::nn::Parameters;

namespace {

constexpr int updates = 10;
constexpr float toy_lr = 0.01f;

const Parameters& golden() {
  static const Parameters all = [] {
    const auto file =
        mx::load_safetensors(LLM_GOLDEN_DIR "/optimizers.safetensors");
    return Parameters(file.first.begin(), file.first.end());
  }();
  return all;
}

/** The arrays named "<prefix>.<path>", by path. */
Parameters with_prefix(const std::string& prefix) {
  Parameters out;
  for (const auto& [name, array] : golden()) {
    if (name.starts_with(prefix + ".")) {
      out.emplace(name.substr(prefix.size() + 1), array);
    }
  }
  return out;
}

Parameters at(const Parameters& history, int i) {
  Parameters out;
  for (const auto& [path, array] : history) {
    out.emplace(path, mx::take(array, i, 0));
  }
  return out;
}

float max_difference(const Parameters& a, const Parameters& b) {
  REQUIRE(!a.empty());
  REQUIRE(a.size() == b.size());
  float largest = 0;
  for (const auto& [path, array] : a) {
    REQUIRE(array.shape() == b.at(path).shape());
    mx::array gap = mx::max(mx::abs(array - b.at(path)));
    const float size = gap.item<float>();
    largest = std::isnan(size) ? INFINITY : std::max(largest, size);
  }
  return largest;
}

OptimizerStep
update(const Optimizer& optimizer, const OptimizerStep& from, int i) {
  auto next = optimizer.step(
      from.params,
      at(with_prefix("grad"), i),
      from.state,
      mx::array(toy_lr),
      mx::array(i + 1.0f));
  for (const auto& [path, p] : next.params) {
    mx::eval(p);
  }
  return next;
}

/** Largest distance from the reference over ten updates. */
float worst_of_ten(const OptimizerConfig& config, const std::string& name) {
  const Optimizer optimizer(config);
  const Parameters reference = with_prefix(name);
  const Parameters start = with_prefix("param");
  OptimizerStep now{start, optimizer.init(start)};
  float worst = 0;
  for (int i = 0; i < updates; ++i) {
    now = update(optimizer, now, i);
    worst = std::max(worst, max_difference(now.params, at(reference, i)));
  }
  // A rule that changes nothing must not pass.
  REQUIRE(max_difference(now.params, start) > 1e-2f);
  return worst;
}

bool same_bits(const Parameters& a, const Parameters& b) {
  REQUIRE(a.size() == b.size());
  for (const auto& [path, array] : a) {
    if (!mx::array_equal(array, b.at(path)).item<bool>()) {
      return false;
    }
  }
  return true;
}

OptimizerConfig named(const std::string& name) {
  OptimizerConfig config;
  config.name = name;
  return config;
}

std::vector<mx::array> flat(std::initializer_list<const Parameters*> parts) {
  std::vector<mx::array> out;
  for (const Parameters* part : parts) {
    for (const auto& [path, array] : *part) {
      out.push_back(array);
    }
  }
  return out;
}

/** The text of the UsageError that `f` throws. */
template <class F>
std::string usage_error(F&& f) {
  try {
    f();
  } catch (const llm::UsageError& e) {
    return e.what();
  }
  return "no UsageError";
}

} // namespace

TEST_CASE("optimizers: sgd and momentum as torch.optim.SGD") {
  CHECK(worst_of_ten(named("sgd"), "sgd") < 1e-6f);
  OptimizerConfig config = named("momentum");
  config.momentum = 0.9f;
  CHECK(worst_of_ten(config, "momentum") < 1e-6f);
  config.nesterov = true;
  CHECK(worst_of_ten(config, "nesterov") < 1e-6f);
}

TEST_CASE("optimizers: adam and adamw as torch.optim") {
  OptimizerConfig config = named("adam");
  config.beta2 = 0.999f;
  CHECK(worst_of_ten(config, "adam") < 1e-6f);
  CHECK(worst_of_ten(named("adamw"), "adamw") < 1e-6f);
}

TEST_CASE("optimizers: adamw and lion as mlx.optimizers") {
  CHECK(worst_of_ten(named("adamw"), "mlx_adamw") < 1e-6f);
  OptimizerConfig config = named("lion");
  config.beta2 = 0.99f;
  CHECK(worst_of_ten(config, "lion") < 1e-6f);
}

TEST_CASE("optimizers: muon as torch.optim.Muon beside AdamW") {
  OptimizerConfig config = named("muon");
  config.adamw_lr_scale = 0.5f;
  CHECK(worst_of_ten(config, "muon") < 1e-6f);
}

TEST_CASE("optimizers: the Newton-Schulz steps of muon as mlx.optimizers") {
  const mx::array in = golden().at("orthogonalize.in");
  const mx::array ours = llm::orthogonalize(in);
  mx::array gap = mx::max(mx::abs(ours - golden().at("orthogonalize.out")));
  CHECK(gap.item<float>() < 1e-5f);
  // Columns nearly of length 1 and at right angles; those of `in` are not.
  const auto off_identity = [](const mx::array& x) {
    const mx::array gram = mx::matmul(mx::transpose(x), x);
    return mx::max(mx::abs(gram - mx::eye(x.shape(1)))).item<float>();
  };
  CHECK(off_identity(in) > 2.0f);
  CHECK(off_identity(ours) < 0.6f);
  const mx::array zeros = llm::orthogonalize(mx::zeros({3, 4}));
  CHECK(mx::max(mx::abs(zeros)).item<float>() == 0.0f);
}

TEST_CASE("optimizers: muon is for matrices inside the network") {
  const mx::array matrix = mx::zeros({4, 4});
  const mx::array vector = mx::zeros({4});
  CHECK(llm::uses_muon("transformer.h.0.attn.c_attn.weight", matrix));
  CHECK(llm::uses_muon("model.layers.1.mlp.down_proj.weight", matrix));
  CHECK_FALSE(llm::uses_muon("transformer.wte.weight", matrix));
  CHECK_FALSE(llm::uses_muon("transformer.wpe.weight", matrix));
  CHECK_FALSE(llm::uses_muon("model.embed_tokens.weight", matrix));
  CHECK_FALSE(llm::uses_muon("lm_head.weight", matrix));
  CHECK_FALSE(llm::uses_muon("transformer.h.0.ln_1.weight", vector));
  CHECK_FALSE(llm::uses_muon("transformer.h.0.attn.c_attn.bias", vector));
  const auto state = Optimizer(named("muon")).init(with_prefix("param"));
  CHECK(state.contains("m.h.0.weight"));
  CHECK_FALSE(state.contains("v.h.0.weight"));
  CHECK(state.contains("v.wte.weight"));
  CHECK(state.contains("v.h.1.bias"));
}

TEST_CASE("optimizers: one compiled graph serves every step") {
  for (const std::string& name : llm::optimizer_names()) {
    CAPTURE(name);
    const Optimizer optimizer(named(name));
    const Parameters start = with_prefix("param");
    OptimizerStep plain{start, optimizer.init(start)};
    OptimizerStep compiled = plain;
    const Parameters grads = with_prefix("grad");
    int traces = 0;
    // Inputs: parameters, gradients, state, lr, step, each in map order.
    auto on_vector = [&](const std::vector<mx::array>& in) {
      ++traces;
      size_t i = 0;
      const auto take = [&](const Parameters& like) {
        Parameters out;
        for (const auto& [path, array] : like) {
          out.emplace(path, in[i++]);
        }
        return out;
      };
      const Parameters p = take(start), g = take(start), s = take(plain.state);
      const auto next = optimizer.step(p, g, s, in[i], in[i + 1]);
      return flat({&next.params, &next.state});
    };
    mx::set_compile_mode(mx::CompileMode::no_fuse);
    const auto function = mx::compile(
        std::function<std::vector<mx::array>(const std::vector<mx::array>&)>(
            on_vector));
    for (int k = 0; k < 3; ++k) {
      const mx::array lr(toy_lr * (k + 1.0f)), step(k + 1.0f);
      const Parameters g = at(grads, k);
      plain = optimizer.step(plain.params, g, plain.state, lr, step);
      auto in = flat({&compiled.params, &g, &compiled.state});
      in.insert(in.end(), {lr, step});
      const auto out = function(in);
      size_t i = 0;
      for (auto* part : {&compiled.params, &compiled.state}) {
        for (auto& [path, array] : *part) {
          array = out[i++];
        }
      }
      CHECK(max_difference(plain.params, compiled.params) < 1e-6f);
    }
    CHECK(traces == 1);
  }
}

TEST_CASE("optimizers: saved state goes on with the same bits") {
  const auto file = std::filesystem::temp_directory_path() /
      "llm_optimizers_test.safetensors";
  for (const std::string& name : llm::optimizer_names()) {
    CAPTURE(name);
    const Optimizer optimizer(named(name));
    const Parameters start = with_prefix("param");
    OptimizerStep now{start, optimizer.init(start)};
    for (int i = 0; i < 5; ++i) {
      now = update(optimizer, now, i);
    }
    OptimizerStep loaded{now.params, {}};
    if (!now.state.empty()) { // sgd has none
      mx::save_safetensors(file.string(), {now.state.begin(), now.state.end()});
      const auto read = mx::load_safetensors(file.string()).first;
      loaded.state = Parameters(read.begin(), read.end());
    }
    for (int i = 5; i < updates; ++i) {
      now = update(optimizer, now, i);
      loaded = update(optimizer, loaded, i);
    }
    CHECK(same_bits(now.params, loaded.params));
    if (!now.state.empty()) { // the moments matter
      const OptimizerStep fresh{now.params, optimizer.init(start)};
      CHECK_FALSE(same_bits(
          update(optimizer, now, 9).params,
          update(optimizer, fresh, 9).params));
    }
  }
  std::filesystem::remove(file);
}

TEST_CASE("optimizers: parameters keep their type, moments are float32") {
  const Optimizer optimizer(named("adamw"));
  const Parameters p{{"w", mx::ones({2, 2}, mx::bfloat16)}};
  const auto next = optimizer.step(
      p, p, optimizer.init(p), mx::array(0.125f), mx::array(1.0f));
  CHECK(next.params.at("w").dtype() == mx::bfloat16);
  CHECK(next.state.at("v.w").dtype() == mx::float32);
  // 1 - 0.125 * 0.1 (decay) - 0.125 (Adam's first step is lr) = 0.8625
  const mx::array w = mx::astype(next.params.at("w"), mx::float32);
  CHECK(mx::max(w).item<float>() == doctest::Approx(0.8625).epsilon(0.004));
}

TEST_CASE("optimizers: clipping as torch.nn.utils.clip_grad_norm_") {
  const Parameters grads = at(with_prefix("grad"), 0);
  mx::array norm = llm::global_norm(grads);
  Parameters expected = with_prefix("clip");
  const float torch_norm = expected.at("norm").item<float>();
  expected.erase("norm");
  CHECK(norm.item<float>() == doctest::Approx(torch_norm).epsilon(1e-6));
  CHECK(max_difference(llm::clip(grads, 1.0f, norm), expected) < 1e-6f);
  CHECK(same_bits(llm::clip(grads, 100.0f, norm), grads));
  CHECK(usage_error([&] {
          llm::clip(grads, 0.0f, norm);
        }).starts_with("[clip] expected a norm > 0 but received 0;"));
}

TEST_CASE("optimizers: every rule clips as clip() does") {
  const Parameters start = with_prefix("param");
  const Parameters grads = at(with_prefix("grad"), 0);
  const mx::array norm = llm::global_norm(grads), one(1.0f);
  const float most = 0.1f; // of the norm: less than it is
  const Parameters clipped = llm::clip(grads, most, norm);
  const mx::array scale = llm::clip_scale(most, norm);
  for (const std::string& name : llm::optimizer_names()) {
    CAPTURE(name);
    const Optimizer optimizer(named(name));
    const Parameters state = optimizer.init(start);
    const auto expected = optimizer.step(start, clipped, state, one, one);
    const auto next = optimizer.step(start, grads, state, one, one, scale);
    CHECK(max_difference(next.params, expected.params) < 1e-6f);
    CHECK(max_difference(next.params, start) > 1e-3f);
    if (!state.empty()) {
      CHECK(max_difference(next.state, expected.state) < 1e-6f);
      const auto whole = optimizer.step(start, grads, state, one, one);
      CHECK(max_difference(next.state, whole.state) > 1e-5f);
    }
  }
}

TEST_CASE("optimizers: unknown names and bad values are refused") {
  CHECK(
      usage_error([] { Optimizer{named("adamax")}; }) ==
      "[Optimizer] expected one of sgd, momentum, adam, adamw, lion, muon but "
      "received 'adamax'; choose one of these names.");
  const auto error_with = [](auto change) {
    OptimizerConfig config;
    change(config);
    return usage_error([&] { Optimizer{config}; });
  };
  const std::string start = "[Optimizer] expected ";
  CHECK(error_with([](auto& c) {
          c.beta1 = 1.0f;
        }).starts_with(start + "0 <= beta1 < 1 but received 1;"));
  CHECK(error_with([](auto& c) {
          c.beta2 = NAN;
        }).starts_with(start + "0 <= beta2 < 1 but received nan;"));
  CHECK(error_with([](auto& c) {
          c.momentum = -1.0f;
        }).starts_with(start + "0 <= momentum < 1"));
  CHECK(error_with([](auto& c) {
          c.eps = 0.0f;
        }).starts_with(start + "0 < eps < 1"));
  CHECK(error_with([](auto& c) {
          c.weight_decay = INFINITY;
        }).starts_with(start + "0 <= weight decay < 10"));
  CHECK(error_with([](auto& c) {
          c.adamw_lr_scale = -1.0f;
        }).starts_with(start + "0 <= adamw_lr_scale < 1e6"));
  CHECK(error_with([](auto& c) {
          c.newton_schulz_steps = 0;
        }).starts_with(start + "1 to 99 Newton-Schulz steps"));
}

TEST_CASE("optimizers: missing or misshapen arrays are named") {
  const Optimizer optimizer(named("adamw"));
  const Parameters p{{"w", mx::ones({2, 3})}};
  const Parameters state = optimizer.init(p);
  const auto step = [&](const Parameters& grads, const Parameters& s) {
    return usage_error(
        [&] { optimizer.step(p, grads, s, mx::array(0.1f), mx::array(1.0f)); });
  };
  CHECK(step(p, state) == "no UsageError");
  CHECK(step({}, state).starts_with(
      "[Optimizer] expected the gradient 'w' but received none;"));
  CHECK(step(p, {{"m.w", mx::zeros({2, 3})}})
            .starts_with("[Optimizer] expected the state 'v.w' but"));
  CHECK(step({{"w", mx::ones({3, 2})}}, state)
            .starts_with("[Optimizer] expected the gradient 'w' of shape "
                         "(2,3) but received (3,2);"));
}
