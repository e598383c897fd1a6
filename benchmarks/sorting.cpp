// SPDX-License-Identifier: MIT
//
// minGPT's sorting task (A. Karpathy, minGPT/demo.ipynb): the model reads six
// digits of {0, 1, 2} and has to write them sorted. Nothing but attention can
// do that, so it tells a right model from one that is nearly right. Inputs are
// divided by a hash, a quarter for the test: no test input is ever trained on.
// minGPT's settings; simplification: our head is tied to the embedding.

#include <algorithm>
#include <array>
#include <chrono>
#include <iostream>
#include <set>

#include <mlx/ops.h>
#include <mlx/random.h>
#include <CLI/CLI.hpp>

#include "llm/core/error.h"
#include "llm/core/program.h"
#include "llm/core/random.h"
#include "llm/models/gpt.h"
#include "llm/models/language_model.h"
#include "llm/nn/backend.h"
#include "llm/nn/loss.h"
#include "llm/training/optimizers.h"

namespace llm {

constexpr int digits = 6, kinds = 3, inputs = 729; // 3^6 inputs
constexpr int context = 2 * digits - 1; // the last output is never read

struct Settings {
  uint64_t seed = 3407;
  int iterations = 2000, batch = 64, threads = 0, questions = 5000;
};

using Digits = std::array<int32_t, digits>;

/** Input number 0 .. 728, its digits to the base 3. */
Digits input_of(int number) {
  Digits out;
  for (int32_t& digit : out) {
    digit = number % kinds;
    number /= kinds;
  }
  return out;
}

bool is_test(int number) {
  return mix64(number) % 4 == 0;
}

/** A random input of one half. */
int draw(Random& random, bool test) {
  while (true) {
    const int number = static_cast<int>(random.below(inputs));
    if (is_test(number) == test) {
      return number;
    }
  }
}

/** Input and output in a row: rows of 12 tokens. */
std::vector<int32_t> rows(const std::vector<int>& numbers) {
  std::vector<int32_t> out;
  for (const int number : numbers) {
    Digits d = input_of(number);
    out.insert(out.end(), d.begin(), d.end());
    std::sort(d.begin(), d.end());
    out.insert(out.end(), d.begin(), d.end());
  }
  return out;
}

mx::array columns(const mx::array& a, int from, int to) {
  return mx::slice(a, {0, from}, {a.shape(0), to});
}

/** The mean loss of the six digits of the output. */
mx::array sorting_loss(const LanguageModel& model, const mx::array& tokens) {
  const mx::array x = columns(tokens, 0, context);    // [B, 11]
  const mx::array y = columns(tokens, 1, 2 * digits); // [B, 11]
  const mx::array losses = nn::token_losses(model.logits(x), y);
  return mx::mean(columns(losses, digits - 1, context)); // [B, 6]
}

struct State {
  nn::Parameters parameters, moments;
};

double train_step(
    LanguageModel& model,
    const Optimizer& optimizer,
    State& state,
    const mx::array& tokens,
    int step,
    uint64_t seed) {
  auto loss = [&](const nn::Parameters& p) {
    model.assign(p);
    model.set_dropout_key(mx::random::key(random_key(seed, "dropout", step)));
    return std::vector<mx::array>{sorting_loss(model, tokens)};
  };
  nn::ValueAndGrad result = nn::value_and_grad(loss, state.parameters);
  const nn::Parameters grads =
      clip(result.grads, 1.0f, global_norm(result.grads));
  OptimizerStep next = optimizer.step(
      state.parameters,
      grads,
      state.moments,
      mx::array(5e-4f),
      mx::array(static_cast<float>(step + 1)));
  state = {std::move(next.params), std::move(next.state)};
  std::vector<mx::array> all = {result.values[0]};
  for (const auto* arrays : {&state.parameters, &state.moments}) {
    for (const auto& [name, array] : *arrays) {
      all.push_back(array);
    }
  }
  mx::eval(all);
  model.assign(state.parameters); // arrays again, no tracers
  model.set_dropout_key(std::nullopt);
  return result.values[0].item<float>();
}

/** How many of the inputs the model sorts, the likeliest digit each time. */
int count_right(const LanguageModel& model, const std::vector<int>& numbers) {
  int right = 0;
  for (size_t from = 0; from < numbers.size(); from += 500) {
    const size_t to = std::min(from + 500, numbers.size());
    const std::vector<int> part(numbers.begin() + from, numbers.begin() + to);
    const std::vector<int32_t> ids = rows(part);
    const int n = static_cast<int>(part.size());
    const mx::array truth(ids.data(), {n, 2 * digits}, mx::int32);
    mx::array tokens = columns(truth, 0, digits);
    while (tokens.shape(1) < 2 * digits) {
      const mx::array logits = model.logits(tokens); // [n, L, 3]
      const int last = tokens.shape(1) - 1;
      const mx::array next =
          mx::slice(logits, {0, last, 0}, {n, last + 1, kinds});
      tokens = mx::concatenate(
          {tokens, mx::astype(mx::argmax(next, -1), mx::int32)}, 1);
    }
    right += mx::sum(mx::all(mx::equal(tokens, truth), 1)).item<int>();
  }
  return right;
}

Json ask(const LanguageModel& model, const Settings& s, bool test) {
  Random random(random_key(s.seed, test ? "test" : "train questions"));
  std::vector<int> numbers(s.questions);
  for (int& number : numbers) {
    number = draw(random, test);
  }
  std::vector<int> different;
  for (int i = 0; i < inputs; ++i) {
    if (is_test(i) == test) {
      different.push_back(i);
    }
  }
  return {
      {"right", count_right(model, numbers)},
      {"asked", numbers.size()},
      {"different_inputs_right", count_right(model, different)},
      {"different_inputs", different.size()}};
}

/** What training said: the loss of every hundredth step, what it took, and how
 * many test inputs it saw (none, or the benchmark is worth nothing). */
Json train(LanguageModel& model, const Settings& s) {
  const Optimizer optimizer(
      {.name = "adamw", .beta2 = 0.95f, .weight_decay = 0.1f});
  State state = {model.parameters(), optimizer.init(model.parameters())};
  Json losses = Json::array();
  int shared = 0;
  const auto start = std::chrono::steady_clock::now();
  for (int step = 0; step < s.iterations; ++step) {
    Random random(random_key(s.seed, "batch", step));
    std::vector<int> numbers(s.batch);
    for (int& number : numbers) {
      number = draw(random, false);
      shared += is_test(number);
    }
    const std::vector<int32_t> ids = rows(numbers);
    const mx::array tokens(ids.data(), {s.batch, 2 * digits}, mx::int32);
    const double loss =
        train_step(model, optimizer, state, tokens, step, s.seed);
    if ((step + 1) % 100 == 0) {
      losses.push_back({step + 1, loss});
      std::cerr << "step " << step + 1 << ": loss " << loss << "\n";
    }
  }
  const std::chrono::duration<double> time =
      std::chrono::steady_clock::now() - start;
  return {
      {"parameters", nn::count(model.parameters())},
      {"seconds", time.count()},
      {"loss", losses},
      {"shared_inputs", shared}};
}

int run(const Settings& s) {
  start_mlx("", s.threads);
  const GPTConfig config = {
      .vocab_size = kinds,
      .n_positions = context,
      .n_embd = 48,
      .n_layer = 3,
      .n_head = 3,
      .dropout = 0.1f};
  const auto model = make_model(config.to_json());
  model->initialize(s.seed);
  Json result = train(*model, s);
  result["train"] = ask(*model, s, false);
  result["test"] = ask(*model, s, true);
  std::cout << result.dump() << "\n";
  return 0;
}

} // namespace llm

int main(int argc, char** argv) {
  return llm::run_program("sorting", [&] {
    llm::Settings settings;
    CLI::App app{"Teach a small GPT to sort six digits."};
    app.add_option("--seed", settings.seed);
    app.add_option("--iterations", settings.iterations)
        ->check(CLI::Range(1, 1000000));
    app.add_option("--threads", settings.threads, "of BLAS; 0: all cores");
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& help) {
      return app.exit(help);
    } catch (const CLI::ParseError& error) {
      throw llm::UsageError(
          "options", std::string(error.what()) + "; see --help.");
    }
    return llm::run(settings);
  });
}
