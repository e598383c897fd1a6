// SPDX-License-Identifier: MIT
//
// The models against Hugging Face transformers and PyTorch, with the same
// weights: logits with and without a cache, loss, every gradient, ten AdamW
// losses. The numbers are in tests/golden (see its README).

#include <cmath>
#include <filesystem>

#include <doctest/doctest.h>
#include <mlx/mlx.h>

#include "llm/core/json.h"
#include "llm/io/safetensors.h"
#include "llm/models/language_model.h"
#include "llm/nn/loss.h"
#include "llm/training/train_step.h"
#include "tests/cpp/kernels/switch.h"

using namespace llm;

namespace {

const std::filesystem::path golden = LLM_GOLDEN_DIR;

struct Golden {
  std::unique_ptr<LanguageModel> model;
  Arrays expected;
};

Golden load(const std::string& name) {
  const auto folder = golden / name;
  Golden g{make_model(read_json_file(folder / "config.json")), {}};
  g.model->update(g.model->translate(
      load_safetensors(folder / "model.safetensors").arrays, name));
  g.expected = load_safetensors(folder / "expected.safetensors").arrays;
  return g;
}

double largest(const mx::array& a) {
  return mx::max(mx::abs(mx::astype(a, mx::float32))).item<float>();
}

double difference(const mx::array& a, const mx::array& b) {
  REQUIRE(a.shape() == b.shape());
  return largest(mx::subtract(a, b));
}

const std::vector<std::string> trained = {
    "gpt2",
    "gpt2_erf_no_bias",
    "llama",
    "llama_tied",
    "qwen3",
    "mistral",
    "qwen2",
    "gemma3"};

// Variants of those, without gradients and losses.
const std::vector<std::string> others = {
    "llama_linear",
    "llama_llama3",
    "llama_yarn",
    "llama_bias",
    "qwen2_window",
    "qwen3_window"};

/** Every model with our CPU kernels and without. */
std::vector<std::pair<std::string, bool>> cases(bool all) {
  std::vector<std::pair<std::string, bool>> out;
  for (const auto* names : {&trained, &others}) {
    for (const std::string& name : *names) {
      if (all || names == &trained) {
        out.emplace_back(name, true);
        out.emplace_back(name, false);
      }
    }
  }
  return out;
}

mx::array tokens_between(const mx::array& tokens, int begin, int end) {
  return mx::slice(tokens, {0, begin}, {tokens.shape(0), end});
}

} // namespace

TEST_CASE("golden: logits and loss equal PyTorch's") {
  for (const auto& [name, fast] : cases(true)) {
    CAPTURE(name);
    CAPTURE(fast);
    const Kernels kernels(fast);
    Golden g = load(name);
    const mx::array logits = g.model->logits(g.expected.at("tokens"));
    CHECK(difference(logits, g.expected.at("logits")) < 1e-4);
    mx::array loss = nn::cross_entropy(logits, g.expected.at("targets"));
    CHECK(
        std::abs(loss.item<float>() - g.expected.at("loss").item<float>()) <
        1e-5);
  }
}

TEST_CASE("golden: cached logits equal PyTorch's") {
  for (const auto& [name, fast] : cases(true)) {
    CAPTURE(name);
    CAPTURE(fast);
    const Kernels kernels(fast);
    const Golden g = load(name);
    KVCache cache = g.model->make_cache();
    std::vector<mx::array> parts;
    int at = 0; // a prompt in three pieces, then token by token
    for (int piece : {5, 1, 6, 1, 1, 1, 1}) {
      const mx::array tokens = g.expected.at("tokens");
      parts.push_back(
          g.model->logits(tokens_between(tokens, at, at + piece), &cache));
      at += piece;
    }
    const mx::array logits = mx::concatenate(parts, 1);
    CHECK(difference(logits, g.expected.at("logits")) < 1e-4);
  }
}

TEST_CASE("golden: the config that is saved makes the same model") {
  for (const auto& [name, fast] : cases(true)) {
    CAPTURE(name);
    const Kernels kernels(fast);
    const Golden g = load(name);
    const auto again = make_model(g.model->config());
    CHECK(again->config() == g.model->config());
    CHECK(again->layer_windows() == g.model->layer_windows());
    again->update(g.model->parameters());
    const mx::array tokens = g.expected.at("tokens");
    CHECK(difference(again->logits(tokens), g.model->logits(tokens)) == 0);
  }
}

TEST_CASE("golden: every gradient equals PyTorch's") {
  for (const auto& [name, fast] : cases(false)) {
    CAPTURE(name);
    CAPTURE(fast);
    const Kernels kernels(fast);
    const Golden g = load(name);
    nn::Parameters file;
    for (const auto& [key, array] : g.expected) {
      if (key.starts_with("grad.")) {
        file.emplace(key.substr(5), array);
      }
    }
    const nn::Parameters parameters = g.model->parameters();
    const nn::ValueAndGrad result = nn::value_and_grad(
        [&](const nn::Parameters& p) {
          g.model->assign(p);
          return std::vector<mx::array>{nn::cross_entropy(
              g.model->logits(g.expected.at("tokens")),
              g.expected.at("targets"))};
        },
        parameters);
    g.model->assign(parameters);
    // As translate() drops zero biases only by value, drop them by name here.
    const nn::Parameters reference = g.model->translate(file, name);
    REQUIRE(result.grads.size() == parameters.size());
    for (const auto& [path, grad] : result.grads) {
      CAPTURE(path);
      REQUIRE(reference.contains(path));
      const mx::array& expected = reference.at(path);
      CHECK(largest(expected) > 0); // each parameter has an influence
      CHECK(difference(grad, expected) <= 1e-3 * largest(expected));
    }
  }
}

TEST_CASE("golden: ten AdamW losses equal PyTorch's") {
  for (const auto& [name, fast] : cases(false)) {
    CAPTURE(name);
    CAPTURE(fast);
    const Kernels kernels(fast);
    const Golden g = load(name);
    const OptimizerConfig adamw = {
        .name = "adamw", .beta1 = 0.9f, .beta2 = 0.95f, .weight_decay = 0.1f};
    const TrainStep step(*g.model, adamw, 1.0f);
    TrainState state = {g.model->parameters(), {}};
    state.optimizer = step.initial_optimizer_state(state.parameters);
    const mx::array losses = g.expected.at("adamw_losses");
    for (int i = 0; i < 10; ++i) {
      StepOutput out = step(
          state,
          {Batch{g.expected.at("tokens"), g.expected.at("targets")}},
          i,
          1e-3f,
          0);
      CHECK(std::abs(out.loss - mx::take(losses, i).item<float>()) < 1e-3);
      if (i == 0) {
        CHECK(
            std::abs(
                out.grad_norm / g.expected.at("grad_norm").item<float>() - 1) <
            1e-3);
      }
      state = std::move(out.state);
    }
    CHECK(
        mx::take(losses, 0).item<float>() > mx::take(losses, 9).item<float>());
  }
}
