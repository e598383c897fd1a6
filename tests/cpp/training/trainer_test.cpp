// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>
#include <mlx/mlx.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "llm/core/error.h"
#include "llm/core/sha256.h"
#include "llm/io/safetensors.h"
#include "llm/models/load.h"
#include "llm/tokenizers/char.h"
#include "llm/training/checkpoint.h"
#include "llm/training/presets.h"
#include "llm/training/train_step.h"
#include "llm/training/trainer.h"
#include "tests/cpp/core/faulty_files.h"
#include "tests/cpp/core/temporary_folder.h"

using namespace llm;
using namespace llm::test;
namespace fs = std::filesystem;

namespace {

const std::string text = [] {
  std::string out;
  for (int i = 0; i < 40; ++i) {
    out += "the cat " + std::to_string(i * 7 % 10) + " sat on the mat. ";
  }
  return out;
}();

/** A small run: everything train() needs. */
struct Setup {
  CharTokenizer tokenizer = CharTokenizer::train(text);
  Split split;
  TrainConfig config;
  ModelShape shape;
  RunInfo run;

  explicit Setup(int steps = 8) {
    const TextSplit parts = split_text(text, 0.8);
    split = {tokenizer.encode(parts.train), tokenizer.encode(parts.val)};
    shape = {.layers = 1, .heads = 2, .width = 16, .dropout = 0.1f};
    config.steps = steps;
    config.batch = 2;
    config.block = 8;
    config.eval_batches = 2;
    config.schedule = {.lr = 1e-2f, .min_lr = 1e-3f, .warmup = 2, .steps = 8};
    run.data = {{"name", "cats"}, {"sha256", sha256_hex(text)}};
    run.readme = "# cats\n";
  }

  std::unique_ptr<LanguageModel> model() const {
    auto m =
        make_model(model_config(shape, tokenizer.vocab_size(), config.block));
    m->initialize(config.seed);
    return m;
  }

  TrainResult go(
      LanguageModel& m,
      const fs::path& out,
      bool resume = false,
      const TrainCallbacks& callbacks = {},
      FileSystem& files = real_files(),
      bool force = false) const {
    return train(
        m, tokenizer, split, config, run, out, resume, force, callbacks, files);
  }
};

std::string weights_hash(const fs::path& folder) {
  return sha256_file(folder / "model.safetensors");
}

/** metrics.jsonl without what depends on the clock. */
std::string metrics(const fs::path& folder) {
  std::ifstream file(folder / "metrics.jsonl");
  std::string line, out;
  while (std::getline(file, line)) {
    Json json = parse_json(line, "metrics");
    json.erase("tokens_per_s");
    json.erase("seconds");
    json.erase("run");
    out += json.dump() + "\n";
  }
  return out;
}

// Stops a run after `steps` updates, as Ctrl-C does.
TrainCallbacks stop_after(int steps) {
  auto count = std::make_shared<int>(0);
  TrainCallbacks callbacks;
  callbacks.stop_requested = [count, steps] { return ++*count >= steps; };
  return callbacks;
}

} // namespace

TEST_CASE("trainer: the loss falls and the folder is complete") {
  const TemporaryFolder home;
  Setup setup(60);
  setup.config.schedule.steps = 60;
  auto model = setup.model();
  std::vector<double> losses;
  TrainCallbacks callbacks;
  callbacks.on_step = [&](const StepRecord& r) { losses.push_back(r.loss); };
  callbacks.sample = [](const LanguageModel&, int64_t) { return "miau"; };
  const TrainResult result = setup.go(*model, home / "m", false, callbacks);
  CHECK(result.stopped == "finished");
  CHECK(result.steps == 60);
  CHECK(
      losses.front() ==
      doctest::Approx(std::log(setup.tokenizer.vocab_size())).epsilon(0.05));
  CHECK(losses.back() < 0.8 * losses.front());
  const ModelFolder loaded = load_model_folder(home / "m");
  const mx::array x = mx::array({1, 2, 3}, {1, 3});
  CHECK(mx::allclose(loaded.model->logits(x), model->logits(x)).item<bool>());
  const std::string log = metrics(home / "m");
  CHECK(log.find("\"sample\":\"miau\"") != std::string::npos);
  CHECK(log.find("val_loss_sampled") != std::string::npos);
}

TEST_CASE("trainer: interrupted and resumed = uninterrupted, to the bit") {
  const TemporaryFolder home;
  Setup setup;
  setup.config.eval_every = 3;
  for (const std::string optimizer :
       {"sgd", "momentum", "adam", "adamw", "lion", "muon"}) {
    CAPTURE(optimizer);
    setup.config.optimizer.name = optimizer;
    setup.config.accumulate = optimizer == "adamw" ? 2 : 1;
    const fs::path whole = home / (optimizer + "-whole");
    const fs::path parts = home / (optimizer + "-parts");
    auto a = setup.model();
    setup.go(*a, whole);
    auto b = setup.model();
    CHECK(setup.go(*b, parts, false, stop_after(3)).stopped == "interrupted");
    auto c = setup.model();
    CHECK(setup.go(*c, parts, true, stop_after(2)).steps == 5);
    auto d = setup.model();
    CHECK(setup.go(*d, parts, true).steps == 8);
    CHECK(weights_hash(whole) == weights_hash(parts));
    CHECK(metrics(whole) == metrics(parts));
  }
}

TEST_CASE("trainer: short windows keep the tokens and resume exactly") {
  const TemporaryFolder home;
  Setup setup;
  setup.config.short_every = 2;
  setup.config.short_block = 3;
  CHECK_THROWS_WITH_AS(
      setup.config.validate(),
      "[train] expected --short-block to divide --block but 3 does not divide "
      "8; choose --short-block = 2 or 4.",
      UsageError);
  setup.config.short_block = 2;
  std::vector<int64_t> tokens;
  TrainCallbacks callbacks;
  callbacks.on_step = [&](const StepRecord& r) { tokens.push_back(r.tokens); };
  auto a = setup.model();
  setup.go(*a, home / "whole", false, callbacks);
  CHECK(tokens.back() == 8 * 2 * 8);
  auto b = setup.model();
  setup.go(*b, home / "parts", false, stop_after(3));
  auto c = setup.model();
  setup.go(*c, home / "parts", true);
  CHECK(weights_hash(home / "whole") == weights_hash(home / "parts"));
  setup.config.short_every = 0;
  auto d = setup.model();
  setup.go(*d, home / "long");
  CHECK(weights_hash(home / "whole") != weights_hash(home / "long"));
}

TEST_CASE("trainer: accumulation gives the gradients of the whole batch") {
  const TemporaryFolder home;
  Setup setup(1);
  setup.shape.dropout = 0;
  auto a = setup.model(), b = setup.model();
  const TrainStep step(*a, {.name = "sgd", .weight_decay = 0}, 0);
  const TrainState state = {
      a->parameters(), step.initial_optimizer_state(a->parameters())};
  const Batch one = random_batch(setup.split.train, 1, 0, 2, 8);
  const Batch two = random_batch(setup.split.train, 1, 1, 2, 8);
  const Batch both = {
      mx::concatenate({one.x, two.x}, 0), mx::concatenate({one.y, two.y}, 0)};
  const StepOutput split = step(state, {one, two}, 0, 0.1f, 0);
  const StepOutput whole = step(state, {both}, 0, 0.1f, 0);
  CHECK(split.loss == doctest::Approx(whole.loss));
  for (const auto& [name, array] : whole.state.parameters) {
    CHECK(mx::allclose(array, split.state.parameters.at(name), 1e-4, 1e-6)
              .item<bool>());
  }
}

TEST_CASE("trainer: activation checkpointing changes nothing but memory") {
  const TemporaryFolder home;
  Setup setup(3);
  auto a = setup.model(), b = setup.model();
  setup.go(*a, home / "a");
  setup.config.activation_checkpointing = true;
  setup.go(*b, home / "b");
  for (const auto& [name, array] : a->parameters()) {
    CHECK(
        mx::allclose(array, b->parameters().at(name), 1e-4, 1e-6).item<bool>());
  }
}

TEST_CASE("trainer: a damaged checkpoint falls back to the one before") {
  const TemporaryFolder home;
  Setup setup;
  setup.config.checkpoint_every = 2;
  auto whole = setup.model();
  setup.go(*whole, home / "whole");
  const fs::path out = home / "m";
  auto model = setup.model();
  setup.go(*model, out, false, stop_after(5)); // checkpoints of 4 and 5
  const fs::path newest =
      out / "checkpoints" / "step-00000005" / "optimizer.safetensors";
  std::string bytes = read_file(newest);
  bytes[bytes.size() - 3] ^= 4; // one bit
  std::ofstream(newest, std::ios::binary) << bytes;
  std::string said;
  TrainCallbacks callbacks;
  callbacks.say = [&](const std::string& line) { said += line + "\n"; };
  auto again = setup.model();
  setup.go(*again, out, true, callbacks);
  CHECK(said.find("step-00000005 is damaged") != std::string::npos);
  CHECK(said.find("resuming at step 4") != std::string::npos);
  CHECK(weights_hash(home / "whole") == weights_hash(out));
}

TEST_CASE("trainer: other settings are refused with a list") {
  const TemporaryFolder home;
  Setup setup;
  auto model = setup.model();
  setup.go(*model, home.path(), false, stop_after(2));
  Setup other;
  other.config.schedule.lr = 0.5f;
  other.run.data["sha256"] = "other";
  auto fresh = other.model();
  try {
    other.go(*fresh, home.path(), true);
    FAIL("no error");
  } catch (const InputError& error) {
    const std::string what = error.what();
    CHECK(what.find("config/lr was 0.0") != std::string::npos);
    CHECK(what.find("data/sha256") != std::string::npos);
  }
  other.go(*fresh, home.path(), true, {}, real_files(), true); // --force
  CHECK(metrics(home.path()).find("\"forced\"") != std::string::npos);
}

TEST_CASE("trainer: refuses a folder with a model, starts without checkpoint") {
  const TemporaryFolder home;
  Setup setup(2);
  auto model = setup.model();
  setup.go(*model, home.path());
  CHECK_THROWS_AS(setup.go(*model, home.path()), UsageError);
  std::string said;
  TrainCallbacks callbacks;
  callbacks.say = [&](const std::string& line) { said += line; };
  setup.go(*model, home / "new", true, callbacks);
  CHECK(said.find("starting from step 0") != std::string::npos);
}

TEST_CASE("trainer: a number that is not finite stops before the update") {
  const TemporaryFolder home;
  Setup setup;
  setup.config.checkpoint_every = 1;
  setup.config.schedule = {
      .name = "constant", .lr = 1e30f, .min_lr = 1e30f, .steps = 8};
  setup.config.optimizer = {.name = "sgd"};
  auto model = setup.model();
  try {
    setup.go(*model, home.path());
    FAIL("no error");
  } catch (const NumericError& error) {
    const std::string what = error.what();
    CHECK(what.find("step ") != std::string::npos);
    CHECK(what.find("not finite") != std::string::npos);
  }
  const auto kept = load_checkpoint(home.path(), {});
  REQUIRE(kept.has_value());
  for (const auto& [name, array] : kept->parameters) {
    CHECK(mx::all(mx::isfinite(array)).item<bool>());
  }

  Setup poisoned;
  auto bad = poisoned.model();
  nn::Parameters p = bad->parameters();
  p.insert_or_assign(
      "wte.weight",
      mx::full(
          p.at("wte.weight").shape(), std::numeric_limits<float>::quiet_NaN()));
  bad->assign(p);
  CHECK_THROWS_AS(poisoned.go(*bad, home / "nan"), NumericError);
}

TEST_CASE("trainer: every file operation of a save may fail, nothing is lost") {
  Setup setup(4);
  setup.config.checkpoint_every = 2;
  const TemporaryFolder reference;
  auto whole = setup.model();
  setup.go(*whole, reference.path());
  const std::string expected = weights_hash(reference.path());

  for (const Fault fault : all_faults) {
    bool reached_end = false;
    // Every operation of the run that ends in two checkpoints and a model.
    for (int at = 1; !reached_end; ++at) {
      CAPTURE(at);
      const TemporaryFolder home;
      FaultyFiles files(real_files(), at, fault);
      bool failed = false;
      auto model = setup.model();
      try {
        setup.go(*model, home / "m", false, {}, files);
      } catch (const Killed&) {
        failed = true;
      } catch (const IoError&) {
        failed = true;
      }
      reached_end = !files.struck();
      if (fault == Fault::eintr || fault == Fault::short_write) {
        CHECK_FALSE(failed); // these are no errors: the call is repeated
      }
      // The next run goes on from what is there and ends with the same bits.
      auto next = setup.model();
      setup.go(*next, home / "m", true);
      CHECK(weights_hash(home / "m") == expected);
    }
  }
}
