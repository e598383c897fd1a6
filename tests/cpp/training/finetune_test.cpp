// SPDX-License-Identifier: MIT
//
// Fine-tuning with the trainer: the masked loss, frozen and packed weights,
// exact resume, what is saved, preferences.

#include <doctest/doctest.h>
#include <mlx/mlx.h>

#include <cmath>

#include "llm/core/error.h"
#include "llm/core/sha256.h"
#include "llm/models/load.h"
#include "llm/nn/loss.h"
#include "llm/training/adapter_files.h"
#include "llm/training/checkpoint.h"
#include "llm/training/instruction_task.h"
#include "llm/training/masked.h"
#include "llm/training/train_step.h"
#include "llm/training/trainer.h"
#include "tests/cpp/core/temporary_folder.h"
#include "tests/cpp/training/finetune_setup.h"

using namespace llm;
using namespace llm::test;
namespace fs = std::filesystem;

namespace {

std::vector<Encoded> examples(int n, int first = 0) {
  std::vector<Encoded> out;
  for (int i = first; i < first + n; ++i) {
    Example e;
    e.messages = {
        {{"role", "user"}, {"content", "n" + std::to_string(i % 7)}},
        {{"role", "assistant"}, {"content", std::string(1 + i % 3, 'y')}}};
    e.kind = i % 2 == 0 ? "even" : "odd";
    out.push_back(encode_example(e, {small::bytes(), plain_text, 48}));
  }
  return out;
}

std::vector<EncodedPair> pairs(int n, int first = 0) {
  std::vector<Example> out;
  for (int i = first; i < first + n; ++i) {
    Example e;
    e.messages = {{{"role", "user"}, {"content", "q" + std::to_string(i)}}};
    e.chosen = "yes";
    e.rejected = "never";
    out.push_back(e);
  }
  return encode_pairs(out, {small::bytes(), plain_text, 48});
}

TrainConfig small_config(int steps = 6) {
  TrainConfig c;
  c.steps = steps;
  c.batch = 2;
  c.block = 48;
  c.eval_every = 2;
  c.schedule = {.lr = 1e-2f, .min_lr = 1e-3f, .warmup = 1, .steps = 6};
  c.optimizer.weight_decay = 0;
  return c;
}

AdapterConfig small_adapter(bool dora) {
  AdapterConfig c;
  c.dora = dora;
  c.rank = 2;
  c.scale = 4;
  c.dropout = 0.1f;
  return c;
}

/** One run on examples with a fresh model, from its start or its checkpoint. */
TrainResult run(
    const fs::path& out,
    bool dora,
    bool packed,
    const TrainConfig& config,
    bool resume = false,
    int stop_at = 1000) {
  const auto model = packed ? packed_qwen() : small::qwen();
  const AdapterConfig adapter = small_adapter(dora);
  add_adapters(*model, adapter, 3);
  TrainTask task;
  learn_examples(task, {examples(9), examples(4, 20)}, small::bytes(), config);
  train_adapters(task, *model, adapter, Json::object());
  TrainCallbacks callbacks;
  int done = 0;
  callbacks.stop_requested = [&] { return ++done >= stop_at; };
  return train(
      *model, small::bytes(), task, config, {}, out, resume, false, callbacks);
}

std::string hash(const fs::path& folder) {
  return sha256_file(folder / "adapters.safetensors");
}

} // namespace

TEST_CASE("masked loss: the mean over counted targets, with its gradient") {
  const mx::array logits = mx::random::normal({2, 5, 11}, mx::random::key(1));
  const mx::array targets = mx::array({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, {2, 5});
  const mx::array mask =
      mx::array({0.f, 1.f, 1.f, 0.f, 0.f, 1.f, 0.f, 0.f, 0.f, 1.f}, {2, 5});
  // By hand: -log softmax of the four that count.
  const mx::array p = mx::softmax(logits, -1);
  double sum = 0;
  for (const auto& [b, t, y] :
       {std::tuple{0, 1, 2}, {0, 2, 3}, {1, 0, 6}, {1, 4, 10}}) {
    sum -=
        std::log(mx::slice(p, {b, t, y}, {b + 1, t + 1, y + 1}).item<float>());
  }
  CHECK(
      nn::masked_cross_entropy(logits, targets, mask).item<float>() ==
      doctest::Approx(sum / 4).epsilon(1e-5));
  const auto loss = [&](const mx::array& x) {
    return nn::masked_cross_entropy(x, targets, mask);
  };
  const mx::array g = mx::grad(loss)(logits);
  // (softmax - one hot) / 4 where it counts, 0 elsewhere.
  const mx::array expected = mx::multiply(
      mx::subtract(
          p,
          mx::astype(
              mx::equal(mx::expand_dims(targets, -1), mx::arange(11)),
              mx::float32)),
      mx::divide(mx::expand_dims(mask, -1), mx::array(4.0f)));
  CHECK(small::distance(g, expected) < 1e-6);
}

TEST_CASE("finetune: logits at some places are those of the whole") {
  for (const auto& model : {small::gpt(), small::qwen(), packed_qwen()}) {
    const mx::array x = mx::reshape(mx::arange(24, mx::int32), {2, 12});
    const mx::array places = mx::array({23, 0, 5, 5});
    const mx::array all = mx::reshape(model->logits(x), {24, -1});
    CHECK(
        small::distance(model->logits_at(x, places), mx::take(all, places, 0)) <
        1e-4);
  }
  const auto model = small::qwen();
  CHECK_THROWS_AS(
      model->logits_at(mx::zeros({1, 65}, mx::int32), mx::array({0})),
      UsageError);
}

TEST_CASE("finetune: only the adapter changes, and the loss falls") {
  const TemporaryFolder home;
  for (const bool packed : {false, true}) {
    CAPTURE(packed);
    const auto model = packed ? packed_qwen() : small::qwen();
    const nn::Parameters before = model->parameters();
    const AdapterConfig adapter = small_adapter(false);
    add_adapters(*model, adapter, 3);
    TrainConfig config = small_config(16);
    config.eval_every = 8;
    config.schedule = {.lr = 3e-2f, .min_lr = 3e-3f, .warmup = 1, .steps = 16};
    TrainTask task;
    learn_examples(
        task, {examples(9), examples(4, 20)}, small::bytes(), config);
    train_adapters(task, *model, adapter, Json::object());
    std::vector<double> losses, held_out;
    TrainCallbacks callbacks;
    callbacks.on_step = [&](const StepRecord& r) {
      losses.push_back(r.loss);
      if (r.val_loss) {
        held_out.push_back(*r.val_loss);
      }
    };
    const fs::path out = home / (packed ? "packed" : "plain");
    train(
        *model, small::bytes(), task, config, {}, out, false, false, callbacks);
    CHECK(losses.back() < 0.75 * losses.front());
    CHECK(held_out.back() < held_out.front());
    for (const auto& [path, array] : before) {
      CHECK(mx::array_equal(array, model->parameters().at(path)).item<bool>());
    }
    // Checkpoints hold the adapter and its moments alone.
    const auto kept = load_checkpoint(out, {});
    CHECK(kept->parameters.size() == 8);
    CHECK(kept->optimizer.size() == 16);
    // The best one is in the folder and on the model.
    const auto fresh = packed ? packed_qwen() : small::qwen();
    load_adapters(*fresh, out);
    const mx::array x = small::row(small::prompt);
    CHECK(small::distance(fresh->logits(x), model->logits(x)) == 0);
  }
}

TEST_CASE("finetune: interrupted and resumed = uninterrupted, to the bit") {
  const TemporaryFolder home;
  for (const bool packed : {false, true}) { // LoRA, and DoRA on packed weights
    CAPTURE(packed);
    const std::string name = packed ? "packed" : "plain";
    TrainConfig config = small_config();
    config.accumulate = packed ? 2 : 1;
    config.optimizer.lora_b_lr_scale = packed ? 16 : 1;
    run(home / ("whole" + name), packed, packed, config);
    const fs::path parts = home / ("parts" + name);
    CHECK(
        run(parts, packed, packed, config, false, 2).stopped == "interrupted");
    run(parts, packed, packed, config, true, 3);
    CHECK(run(parts, packed, packed, config, true).steps == 6);
    CHECK(hash(home / ("whole" + name)) == hash(parts));
  }
}

TEST_CASE("finetune: activation checkpointing changes nothing but memory") {
  for (const bool packed : {false, true}) {
    CAPTURE(packed);
    const TemporaryFolder home;
    TrainConfig config = small_config(3);
    run(home / "a", false, packed, config);
    config.activation_checkpointing = true;
    run(home / "b", false, packed, config);
    const nn::Parameters a = read_adapters(home / "a");
    const nn::Parameters b = read_adapters(home / "b");
    for (const auto& [path, array] : a) {
      CHECK(mx::allclose(array, b.at(path), 1e-4, 1e-6).item<bool>());
    }
  }
}

TEST_CASE("finetune: micro-batches count by their targets") {
  const auto model = small::qwen();
  const auto all = examples(4);
  const TrainLoss loss = [](const LanguageModel& m,
                            const std::vector<mx::array>& in) {
    return nn::masked_cross_entropy(m.logits(in[0]), in[1], in[2]);
  };
  const TrainStep step(
      *model,
      {.name = "sgd", .weight_decay = 0},
      0,
      mx::float32,
      last_layers(*model, 1),
      loss);
  const TrainState state = {step.trained(), {}};
  const auto batch = [](const std::vector<const Encoded*>& rows) {
    const MaskedBatch b = pad_batch(rows, 48);
    return TrainBatch({b.x, b.y, b.mask}, b.scored, b.scored);
  };
  const StepOutput whole =
      step(state, {batch({&all[0], &all[1], &all[2]})}, 0, 0.1f, 0);
  const StepOutput parts =
      step(state, {batch({&all[0]}), batch({&all[1], &all[2]})}, 0, 0.1f, 0);
  CHECK(parts.loss == doctest::Approx(whole.loss).epsilon(1e-5));
  for (const auto& [path, array] : whole.state.parameters) {
    CHECK(mx::allclose(array, parts.state.parameters.at(path), 1e-4, 1e-6)
              .item<bool>());
  }
}

TEST_CASE("finetune: the last layers, and a whole model that is saved") {
  const TemporaryFolder home;
  const auto model = small::qwen();
  const nn::Parameters before = model->parameters();
  TrainConfig config = small_config(2);
  TrainTask task;
  learn_examples(task, {examples(9), {}}, small::bytes(), config);
  train_weights(task, *model, small::bytes(), last_layers(*model, 1));
  train(*model, small::bytes(), task, config, {}, home / "m", false, false);
  const auto loaded = load_model_folder(home / "m").model->parameters();
  for (const auto& [path, array] : before) {
    const bool changes =
        path.starts_with("model.layers.1.") || path.starts_with("model.norm.");
    CAPTURE(path);
    CHECK(mx::array_equal(array, loaded.at(path)).item<bool>() == !changes);
  }
  const auto packed = packed_qwen();
  CHECK_THROWS_AS(
      train_weights(task, *packed, small::bytes(), nn::everything), UsageError);
}

TEST_CASE("optimizers: LoRA+ trains lora_b faster") {
  OptimizerConfig c = {.name = "adamw", .weight_decay = 0};
  c.lora_b_lr_scale = 4;
  const nn::Parameters p = {
      {"l.lora_a", mx::ones({2, 2})}, {"l.lora_b", mx::ones({2, 2})}};
  const Optimizer optimizer(c);
  const auto next = optimizer.step(
      p, p, optimizer.init(p), mx::array(0.01f), mx::array(1.0f));
  const auto moved = [&](const char* name) {
    return 1 - mx::mean(next.params.at(name)).item<float>();
  };
  CHECK(moved("l.lora_a") == doctest::Approx(0.01).epsilon(1e-3));
  CHECK(moved("l.lora_b") == doctest::Approx(0.04).epsilon(1e-3));
}

TEST_CASE("evaluate examples: the sums of the definition, by kind") {
  const auto model = small::qwen();
  const auto all = examples(5);
  double nats = 0, even = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    const mx::array logits = model->logits(small::row(all[i].ids));
    const mx::array logp =
        mx::subtract(logits, mx::logsumexp(logits, -1, true)); // [1, L, V]
    for (size_t t = 1; t < all[i].ids.size(); ++t) {
      if (all[i].counts[t] != 0) {
        const int y = all[i].ids[t], at = static_cast<int>(t) - 1;
        const double loss =
            -mx::slice(logp, {0, at, y}, {1, at + 1, y + 1}).item<float>();
        nats += loss;
        even += i % 2 == 0 ? loss : 0;
      }
    }
  }
  const auto e = evaluate_examples(*model, small::bytes(), all, 2);
  CHECK(e.all.nats == doctest::Approx(nats).epsilon(1e-5));
  CHECK(e.all.tokens == 1 + 2 + 3 + 1 + 2);
  CHECK(e.kinds.at("even").nats == doctest::Approx(even).epsilon(1e-5));
  CHECK(
      e.all.bits_per_byte() ==
      doctest::Approx(nats / 9 / std::log(2.0)).epsilon(1e-5)); // 9 letters
}

TEST_CASE("dpo: the loss is its formula, without overflow") {
  const mx::array pc = mx::array({-1.0f, -20.0f, -3.0f});
  const mx::array pr = mx::array({-2.0f, -5.0f, -3000.0f});
  const mx::array rc = mx::array({-1.5f, -18.0f, -3000.0f});
  const mx::array rr = mx::array({-1.0f, -6.0f, -3.0f});
  double sum = 0;
  for (int i = 0; i < 3; ++i) {
    const auto at = [&](const mx::array& a) {
      return double{mx::take(a, i).item<float>()};
    };
    const double z = 0.3 * ((at(pc) - at(rc)) - (at(pr) - at(rr)));
    sum += z > 30 ? std::exp(-z) : std::log(1 + std::exp(-z));
  }
  CHECK(
      dpo_loss(pc, pr, rc, rr, 0.3f).item<float>() ==
      doctest::Approx(sum / 3).epsilon(1e-6));
  const PreferenceReport r = preference_report(
      {{-1, -20, -3}, {-2, -5, -3000}},
      {{-1.5, -18, -3000}, {-1, -6, -3}},
      0.3f);
  CHECK(r.loss == doctest::Approx(sum / 3).epsilon(1e-6));
  CHECK(r.accuracy == doctest::Approx(2.0 / 3));
}

TEST_CASE("dpo: it starts at log 2 and raises the margin of held-out pairs") {
  const TemporaryFolder home;
  const auto model = small::qwen();
  const AdapterConfig adapter = small_adapter(false);
  add_adapters(*model, adapter, 3);
  TrainConfig config = small_config(10);
  config.eval_every = 5;
  config.schedule = {.lr = 2e-2f, .min_lr = 2e-3f, .warmup = 1, .steps = 10};
  TrainTask task;
  learn_preferences(task, {pairs(8), pairs(4, 50)}, *model, config);
  train_adapters(task, *model, adapter, Json::object());
  std::vector<double> losses;
  Json last;
  TrainCallbacks callbacks;
  callbacks.on_step = [&](const StepRecord& r) {
    losses.push_back(r.loss);
    last = r.more;
  };
  train(
      *model,
      small::bytes(),
      task,
      config,
      {},
      home / "d",
      false,
      false,
      callbacks);
  CHECK(losses.front() == doctest::Approx(std::log(2.0)).epsilon(0.1));
  CHECK(losses.back() < 0.5);
  CHECK(last["preference_accuracy"] == 1.0);
  CHECK(last["preference_margin"].get<double>() > 0.5);
}
