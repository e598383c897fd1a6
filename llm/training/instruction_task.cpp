// SPDX-License-Identifier: MIT

#include "llm/training/instruction_task.h"

#include <algorithm>
#include <utility>

#include <mlx/ops.h>

#include "llm/core/error.h"
#include "llm/data/instruction_batches.h"
#include "llm/models/load.h"
#include "llm/nn/loss.h"
#include "llm/training/adapter_files.h"
#include "llm/training/masked.h"

namespace llm {

namespace {

BatchRules rules_of(const TrainConfig& c) {
  BatchRules rules;
  rules.batch = c.batch;
  rules.max_length = c.block;
  rules.seed = c.seed;
  return rules;
}

// [snippet example-loss]
// in: x [B, T], places [N], targets [N], weights [N].
mx::array example_loss(
    const LanguageModel& model,
    const std::vector<mx::array>& in) {
  return nn::masked_cross_entropy(model.logits_at(in[0], in[1]), in[2], in[3]);
}
// [/snippet]

// The evaluation that a run repeats is on part of the examples, when there are
// many, of every length.
template <class T>
std::vector<T> some_of(std::vector<T> all, size_t most) {
  if (all.size() <= most) {
    return all;
  }
  std::vector<T> out;
  for (size_t i = 0; i < most; ++i) {
    out.push_back(std::move(all[i * all.size() / most]));
  }
  return out;
}

size_t evaluated(const TrainConfig& c) {
  return static_cast<size_t>(c.eval_batches) * c.batch;
}

} // namespace

TrainConfig tune_defaults() {
  TrainConfig t;
  t.steps = 200;
  t.batch = 4;
  t.block = 256;
  t.optimizer.beta2 = 0.999f;
  t.optimizer.weight_decay = 0.01f;
  t.schedule.lr = 2e-4f;
  t.schedule.min_lr = 2e-5f;
  t.eval_every = 50;
  t.checkpoint_every = 100;
  return t;
}

void learn_examples(
    TrainTask& task,
    InstructionParts parts,
    const Tokenizer& tokenizer,
    const TrainConfig& config) {
  BatchRules rules = rules_of(config);
  rules.packing = parts.packing;
  rules.shuffle = parts.shuffle;
  rules.count_padding = parts.count_padding;
  const auto source =
      std::make_shared<const InstructionBatches>(std::move(parts.train), rules);
  const auto held_out = std::make_shared<const std::vector<Encoded>>(
      some_of(std::move(parts.validation), evaluated(config)));
  task.loss = example_loss;
  task.batches = [source, &config](int64_t step) {
    std::vector<TrainBatch> out;
    for (int i = 0; i < config.accumulate; ++i) {
      const MaskedBatch b = source->at(step * config.accumulate + i);
      const CountedTargets c = counted_targets(b);
      out.push_back(
          {{b.x, c.places, c.targets, c.weights}, b.scored, b.scored});
    }
    return out;
  };
  if (held_out->empty()) {
    return;
  }
  task.evaluate = [held_out, &tokenizer, &config](const LanguageModel& model) {
    const auto e = evaluate_examples(model, tokenizer, *held_out, config.batch);
    return Validation{e.all.mean(), nullptr};
  };
}

namespace {

/** Pairs with what the reference thinks of them. */
struct JudgedPairs {
  std::vector<EncodedPair> pairs;
  PairLogProbs reference;

  JudgedPairs(
      std::vector<EncodedPair> p,
      const LanguageModel& model,
      const TrainConfig& config)
      : pairs(std::move(p)),
        reference(pair_log_probs(model, pairs, config.batch, config.block)) {}

  TrainBatch batch(const std::vector<size_t>& numbers, int max_length) const {
    std::vector<const EncodedPair*> some;
    std::vector<float> chosen, rejected;
    for (const size_t i : numbers) {
      some.push_back(&pairs[i]);
      chosen.push_back(reference.chosen[i]);
      rejected.push_back(reference.rejected[i]);
    }
    const MaskedBatch b = pair_batch(some, max_length);
    const mx::Shape shape = {static_cast<int>(some.size())};
    return {
        {b.x,
         b.y,
         b.mask,
         mx::array(chosen.begin(), shape),
         mx::array(rejected.begin(), shape)},
        b.scored,
        static_cast<int64_t>(some.size())}; // the loss is a mean over pairs
  }
};

// in: x, y, mask [2 B, T], reference of the chosen and the rejected [B].
mx::array preference_loss(
    const LanguageModel& model,
    const std::vector<mx::array>& in,
    float beta) {
  const mx::array pi =
      mx::negative(row_losses(model, {in[0], in[1], in[2], 0}));
  const std::vector<mx::array> halves = mx::split(pi, 2);
  return dpo_loss(halves[0], halves[1], in[3], in[4], beta);
}

std::vector<int64_t> lengths_of(const std::vector<EncodedPair>& pairs) {
  std::vector<int64_t> out;
  for (const EncodedPair& p : pairs) {
    out.push_back(std::max(p.chosen.ids.size(), p.rejected.ids.size()));
  }
  return out;
}

} // namespace

void learn_preferences(
    TrainTask& task,
    PreferenceParts parts,
    const LanguageModel& model,
    const TrainConfig& config) {
  if (static_cast<int>(parts.train.size()) < config.batch) {
    throw InputError(
        "data",
        "expected at least --batch = " + std::to_string(config.batch) +
            " pairs but received " + std::to_string(parts.train.size()) +
            "; add pairs or lower --batch.");
  }
  const float beta = parts.beta;
  const auto train = std::make_shared<const JudgedPairs>(
      std::move(parts.train), model, config);
  const auto held_out = std::make_shared<const JudgedPairs>(
      some_of(std::move(parts.validation), evaluated(config)), model, config);
  task.loss = [beta](const LanguageModel& m, const std::vector<mx::array>& in) {
    return preference_loss(m, in, beta);
  };
  task.batches = [train, &config](int64_t step) {
    const auto per_epoch =
        static_cast<int64_t>(train->pairs.size()) / config.batch;
    std::vector<TrainBatch> out;
    for (int i = 0; i < config.accumulate; ++i) {
      const int64_t n = step * config.accumulate + i;
      const auto order = epoch_order(
          lengths_of(train->pairs), rules_of(config), n / per_epoch);
      out.push_back(train->batch(order[n % per_epoch], config.block));
    }
    return out;
  };
  if (held_out->pairs.empty()) {
    return;
  }
  task.evaluate = [held_out, beta, &config](const LanguageModel& m) {
    const PreferenceReport r = preference_report(
        pair_log_probs(m, held_out->pairs, config.batch, config.block),
        held_out->reference,
        beta);
    return Validation{
        r.loss,
        {{"preference_accuracy", r.accuracy}, {"preference_margin", r.margin}}};
  };
}

HeldOut learn_from(
    TrainTask& task,
    const InstructionData& data,
    const EncodeRules& rules,
    const LanguageModel& model,
    const TuneConfig& tune,
    const TrainConfig& train) {
  HeldOut out;
  const bool held_out = !data.validation.empty();
  if (tune.objective == "dpo") {
    PreferenceParts parts{encode_pairs(data.train, rules), {}, tune.beta};
    if (held_out) {
      out.pairs = encode_pairs(data.validation, rules);
    }
    parts.validation = out.pairs;
    learn_preferences(task, std::move(parts), model, train);
    return out;
  }
  if (tune.objective != "sft") {
    throw UsageError(
        "tune",
        "expected the objective sft or dpo but received " + tune.objective +
            ".");
  }
  InstructionParts parts{encode_examples(data.train, rules), {}};
  if (held_out) {
    out.examples = encode_examples(data.validation, rules);
  }
  parts.validation = out.examples;
  parts.packing = tune.packing;
  parts.shuffle = tune.shuffle;
  parts.count_padding = tune.count_padding;
  learn_examples(task, std::move(parts), rules.tokenizer, train);
  return out;
}

nn::PathFilter last_layers(const LanguageModel& model, int layers) {
  if (layers < 1) {
    return nn::everything;
  }
  const int first = std::max(0, model.layer_count() - layers);
  return [first](const std::string& path) {
    const LayerPath where = layer_path(path);
    const bool is_table = path.find("embed") != std::string::npos ||
        path.starts_with("wte.") || path.starts_with("wpe.");
    return where.block >= 0 ? where.block >= first : !is_table;
  };
}

void train_adapters(
    TrainTask& task,
    LanguageModel& model,
    const AdapterConfig& config,
    const Json& about) {
  task.trainable = is_adapter_path;
  task.product = "an adapter";
  task.save = [&model, config, about](
                  const auto& out, const auto& readme, FileSystem& files) {
    ensure_folder(out, files);
    write_file_atomically(out / "README.md", readme, files);
    save_adapters(model, config, out, about, files);
  };
  task.is_saved = holds_adapter;
  task.load = read_adapters;
}

void train_weights(
    TrainTask& task,
    const LanguageModel& model,
    const Tokenizer& tokenizer,
    const nn::PathFilter& trainable,
    const TokenizerInfo& info) {
  for (const auto& [path, array] : model.parameters()) {
    if (path.ends_with(".scales")) {
      throw UsageError(
          "train",
          "expected weights that are not packed but received a quantized "
          "model; train an adapter with --method lora or dora, or unpack the "
          "model with convert --dequantize.");
    }
  }
  task.trainable = trainable;
  task.save = [&model, &tokenizer, info](
                  const auto& out, const auto& readme, FileSystem& files) {
    save_model_folder(out, model, tokenizer, readme, files, info);
  };
  task.is_saved = holds_model;
  task.load = [](const auto& out) {
    return load_model_folder(out).model->parameters();
  };
}

} // namespace llm
