// SPDX-License-Identifier: MIT
//
// Learning rates against mlx.optimizers (joined schedules that are nanoGPT's
// get_lr) and Hugging Face transformers; see golden/make_optimizers.py.

#include "llm/training/schedule.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <mlx/mlx.h>

#include "llm/core/error.h"

namespace mx = mlx::core;
using llm::learning_rate;
using llm::ScheduleConfig;

namespace {

/** The schedule that the golden file holds: 20 + 180 steps, 40 of decay. */
ScheduleConfig golden_config(const std::string& name) {
  return {
      .name = name,
      .lr = 1e-3f,
      .min_lr = 1e-4f,
      .warmup = 20,
      .steps = 200,
      .decay_fraction = 0.2f};
}

/** Largest relative distance from the golden rates, from step `first` on. */
double worst(const std::string& name, const std::string& golden, int first) {
  static const auto file =
      mx::load_safetensors(LLM_GOLDEN_DIR "/optimizers.safetensors").first;
  mx::array expected = file.at("schedule." + golden);
  expected.eval(); // files load lazily
  REQUIRE(expected.size() == 220);
  double largest = 0;
  for (int step = first; step < 220; ++step) {
    const double e = expected.data<float>()[step];
    const double gap =
        std::abs(learning_rate(golden_config(name), step) / e - 1);
    largest = std::isnan(gap) ? INFINITY : std::max(largest, gap);
  }
  return largest;
}

template <class Change>
std::string error_with(Change change) {
  ScheduleConfig config = golden_config("cosine");
  change(config);
  try {
    learning_rate(config, 0);
  } catch (const llm::UsageError& e) {
    return e.what();
  }
  return "no UsageError";
}

} // namespace

TEST_CASE("schedule: cosine as nanoGPT, linear as mlx.optimizers") {
  CHECK(worst("cosine", "cosine", 0) < 2e-6);
  CHECK(worst("linear", "linear", 0) < 2e-6);
}

TEST_CASE("schedule: linear and wsd as Hugging Face after the warm-up") {
  CHECK(worst("linear", "linear_hf", 20) < 2e-6);
  CHECK(worst("wsd", "wsd", 20) < 2e-6);
  CHECK(worst("wsd-sqrt", "wsd-sqrt", 20) < 2e-6);
}

TEST_CASE("schedule: the same warm-up for all, never zero, then lr") {
  for (const std::string& name : llm::schedule_names()) {
    CAPTURE(name);
    const ScheduleConfig config = golden_config(name);
    CHECK(learning_rate(config, 0) == doctest::Approx(1e-3 / 21));
    CHECK(learning_rate(config, 19) == doctest::Approx(1e-3 * 20 / 21));
    CHECK(learning_rate(config, 20) == doctest::Approx(1e-3));
    const double end = name == "constant" ? 1e-3 : 1e-4;
    CHECK(learning_rate(config, 200) == doctest::Approx(end));
    CHECK(learning_rate(config, 100000) == doctest::Approx(end));
  }
}

TEST_CASE("schedule: wsd holds lr until its last part") {
  const ScheduleConfig config = golden_config("wsd");
  CHECK(learning_rate(config, 160) == 1e-3f);
  CHECK(learning_rate(config, 161) < 1e-3f);
  ScheduleConfig all = config;
  all.decay_fraction = 1.0f; // nothing stable: falls from the warm-up on
  CHECK(learning_rate(all, 21) < 1e-3f);
  CHECK(learning_rate(all, 110) == doctest::Approx(5.5e-4));
}

TEST_CASE("schedule: a run that ends inside its warm-up stays finite") {
  for (const std::string& name : llm::schedule_names()) {
    CAPTURE(name);
    ScheduleConfig config = golden_config(name);
    config.steps = 10;
    for (int step = 0; step < 30; ++step) {
      const float rate = learning_rate(config, step);
      CHECK(std::isfinite(rate));
      CHECK(rate > 0.0f);
      CHECK(rate <= 1e-3f);
    }
    config.steps = 0;
    config.warmup = 0;
    CHECK(std::isfinite(learning_rate(config, 0)));
  }
}

TEST_CASE("schedule: unknown names and bad values are refused") {
  CHECK(
      error_with([](auto& c) { c.name = "cosin"; }) ==
      "[Schedule] expected one of constant, linear, cosine, wsd, wsd-sqrt but "
      "received 'cosin'; choose one of these names.");
  CHECK(error_with([](auto& c) { c.lr = NAN; })
            .starts_with("[Schedule] expected a finite lr >= 0 but received "
                         "nan;"));
  CHECK(error_with([](auto& c) {
          c.min_lr = 1.0f;
        }).starts_with("[Schedule] expected 0 <= min_lr <= lr"));
  CHECK(error_with([](auto& c) {
          c.warmup = -1;
        }).starts_with("[Schedule] expected warmup >= 0 but received -1;"));
  CHECK(error_with([](auto& c) {
          c.steps = -1;
        }).starts_with("[Schedule] expected steps >= 0"));
  CHECK(error_with([](auto& c) {
          c.decay_fraction = 0.0f;
        }).starts_with("[Schedule] expected 0 < decay_fraction <= 1"));
  CHECK_THROWS_AS(learning_rate(golden_config("cosine"), -1), llm::UsageError);
}
