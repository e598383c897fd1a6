// SPDX-License-Identifier: MIT
//
// What a training step of the nano preset is made of: each kind of operation
// alone, forward and backward, in the shapes and as often as the step has it.
// With our CPU operations, or with MLX's own (LLM_FAST_CPU=0). Prints one line
// of JSON. B windows, T tokens, C width, V vocabulary.

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <memory>

#include <mlx/ops.h>
#include <mlx/random.h>
#include <mlx/transforms.h>
#include <CLI/CLI.hpp>

#include "llm/core/error.h"
#include "llm/core/json.h"
#include "llm/core/program.h"
#include "llm/nn/activation.h"
#include "llm/nn/attention.h"
#include "llm/nn/backend.h"
#include "llm/nn/embedding.h"
#include "llm/nn/loss.h"
#include "llm/nn/matmul.h"
#include "llm/nn/norm.h"
#include "llm/training/presets.h"
#include "llm/training/train_step.h"

namespace llm {

using Arrays = std::vector<mx::array>;
using Function = std::function<Arrays(const Arrays&)>;

constexpr int B = 12, T = 64, C = 128, H = 4, V = 65, kLayers = 4;
constexpr float kEps = 1e-5f;

mx::array filled(const mx::Shape& shape) {
  const mx::array out = mx::random::normal(shape);
  mx::eval(out);
  return out;
}

mx::array tokens(const mx::Shape& shape) {
  const mx::array out = mx::astype(mx::random::randint(0, V, shape), mx::int32);
  mx::eval(out);
  return out;
}

/** Runs f and its gradient with respect to the inputs, `times` times over. */
std::function<void()> both_ways(Function f, Arrays inputs, int times) {
  const Arrays out = f(inputs);
  const Arrays cotangents = {filled(out[0].shape())};
  return [=] {
    Arrays results;
    for (int i = 0; i < times; ++i) {
      auto [values, gradients] = mx::vjp(f, inputs, cotangents);
      results.insert(results.end(), values.begin(), values.end());
      results.insert(results.end(), gradients.begin(), gradients.end());
    }
    mx::eval(results);
  };
}

/** x [B, T, in] times the weight [out, in] transposed. */
std::function<void()> product(int in, int out, int times) {
  const Function f = [](const Arrays& a) {
    return Arrays{nn::matmul_transposed(a[0], a[1])};
  };
  return both_ways(f, {filled({B, T, in}), filled({out, in})}, times);
}

std::function<void()> products() {
  const std::vector<std::function<void()>> all = {
      product(C, 3 * C, kLayers),
      product(C, C, kLayers),
      product(C, 4 * C, kLayers),
      product(4 * C, C, kLayers),
      product(C, V, 1)};
  return [=] {
    for (const auto& one : all) {
      one();
    }
  };
}

std::function<void()> attention() {
  const Function f = [](const Arrays& a) {
    return Arrays{nn::packed_attention(a[0], H)};
  };
  return both_ways(f, {filled({B, T, 3 * C})}, kLayers);
}

std::function<void()> gelu() {
  const Function f = [](const Arrays& a) {
    return Arrays{nn::apply(nn::Activation::gelu, a[0])};
  };
  return both_ways(f, {filled({B, T, 4 * C})}, kLayers);
}

std::function<void()> norms() {
  const Function f = [](const Arrays& a) {
    return Arrays{nn::layer_norm(a[0], a[1], std::nullopt, kEps)};
  };
  return both_ways(f, {filled({B, T, C}), filled({C})}, 2 * kLayers + 1);
}

std::function<void()> loss() {
  const mx::array targets = tokens({B * T});
  const Function f = [targets](const Arrays& a) {
    return Arrays{nn::cross_entropy(a[0], targets)};
  };
  return both_ways(f, {filled({B * T, V})}, 1);
}

std::function<void()> embedding() {
  const mx::array ids = tokens({B, T});
  const Function f = [ids](const Arrays& a) {
    nn::Embedding table(V, C);
    table.weight = a[0];
    return Arrays{table(ids)};
  };
  return both_ways(f, {filled({V, C})}, 1);
}

std::unique_ptr<LanguageModel> nano() {
  auto model = make_model(model_config(preset("nano").model, V, T));
  model->initialize(1);
  return model;
}

/** The norm of all gradients, and AdamW with what clipping makes of them. */
std::function<void()> optimizer() {
  const Optimizer rule(preset("nano").train.optimizer);
  const nn::Parameters p = nano()->parameters(), state = rule.init(p);
  return [=] {
    const auto scale = clip_scale(1.0f, global_norm(p));
    const OptimizerStep next =
        rule.step(p, p, state, mx::array(1e-3f), mx::array(1.0f), scale);
    Arrays all;
    for (const auto* some : {&next.params, &next.state}) {
      for (const auto& [name, array] : *some) {
        all.push_back(array);
      }
    }
    mx::eval(all);
  };
}

/** All of it, as the trainer does it. */
std::function<void()> whole_step() {
  struct Run {
    std::unique_ptr<LanguageModel> model = nano();
    TrainStep step{*model, preset("nano").train.optimizer, 1.0f};
    TrainState state{step.trained(), {}};
    int64_t done = 0;
  };
  auto run = std::make_shared<Run>();
  run->state.optimizer =
      run->step.initial_optimizer_state(run->state.parameters);
  const Batch batch{tokens({B, T}), tokens({B, T})};
  return [run, batch] {
    run->state =
        run->step(run->state, {TrainBatch(batch)}, run->done, 1e-3f, 0).state;
    ++run->done;
  };
}

/** The median of so many runs, milliseconds, after some that warm up. */
double milliseconds(const std::function<void()>& work, int runs) {
  std::vector<double> times;
  for (int i = 0; i < runs + runs / 4 + 1; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double, std::milli> passed =
        std::chrono::steady_clock::now() - begin;
    if (i > runs / 4) {
      times.push_back(passed.count());
    }
  }
  std::nth_element(times.begin(), times.begin() + runs / 2, times.end());
  return times[runs / 2];
}

const std::map<std::string, std::function<void()> (*)()>& parts() {
  static const std::map<std::string, std::function<void()> (*)()> all = {
      {"matrix products", products},
      {"attention", attention},
      {"gelu", gelu},
      {"layer norms", norms},
      {"loss", loss},
      {"embedding", embedding},
      {"AdamW and clipping", optimizer},
      {"the whole step", whole_step}};
  return all;
}

int run(const std::string& part, int runs, int threads) {
  start_mlx("", threads);
  mx::random::seed(1);
  const auto found = parts().find(part);
  if (found == parts().end()) {
    std::string names;
    for (const auto& [name, make] : parts()) {
      names += names.empty() ? name : ", " + name;
    }
    throw UsageError(
        "--part",
        "expected one of " + names + " but received \"" + part + "\".");
  }
  const Json said = {{"ms", milliseconds(found->second(), runs)}};
  std::cout << said.dump() << "\n";
  return 0;
}

} // namespace llm

int main(int argc, char** argv) {
  return llm::run_program("step_parts", [&] {
    std::string part = "the whole step";
    int runs = 30, threads = 0;
    CLI::App app{"Time one kind of operation of a training step."};
    app.add_option("--part", part);
    app.add_option("--runs", runs)->check(CLI::Range(1, 10000));
    app.add_option("--threads", threads)->check(CLI::Range(0, 1024));
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& help) {
      return app.exit(help);
    } catch (const CLI::ParseError& error) {
      throw llm::UsageError(
          "options", std::string(error.what()) + "; see --help.");
    }
    return llm::run(part, runs, threads);
  });
}
