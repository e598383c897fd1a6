// SPDX-License-Identifier: MIT

#include "llm/training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <vector>

#include "llm/core/error.h"
#include "llm/core/random.h"
#include "llm/core/sha256.h"
#include "llm/data/batches.h"
#include "llm/models/config.h"
#include "llm/models/load.h"
#include "llm/training/checkpoint.h"
#include "llm/training/evaluate.h"
#include "llm/training/metrics.h"
#include "llm/training/train_step.h"

namespace llm {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

void at_least(const std::string& option, int value, int least) {
  if (value < least) {
    throw UsageError(
        "train",
        "expected " + option + " of at least " + std::to_string(least) +
            " but received " + std::to_string(value) + ".");
  }
}

} // namespace

void TrainConfig::validate() const {
  at_least("--steps", steps, 1);
  at_least("--batch", batch, 1);
  at_least("--block", block, 2);
  at_least("--accumulate", accumulate, 1);
  at_least("--eval-every", eval_every, 0);
  at_least("--eval-batches", eval_batches, 1);
  at_least("--sample-every", sample_every, 0);
  at_least("--checkpoint-every", checkpoint_every, 0);
  at_least("--patience", patience, 0);
  if (!(clip >= 0)) {
    throw UsageError("train", "expected --clip of at least 0 (0: off).");
  }
  check(schedule);
  Optimizer{optimizer}; // throws what is wrong with it
}

Json TrainConfig::to_json() const {
  return {
      {"steps", steps},
      {"batch", batch},
      {"block", block},
      {"accumulate", accumulate},
      {"optimizer", optimizer.name},
      {"beta1", shortest(optimizer.beta1)},
      {"beta2", shortest(optimizer.beta2)},
      {"eps", shortest(optimizer.eps)},
      {"weight_decay", shortest(optimizer.weight_decay)},
      {"momentum", shortest(optimizer.momentum)},
      {"nesterov", optimizer.nesterov},
      {"adamw_lr_scale", shortest(optimizer.adamw_lr_scale)},
      {"schedule", schedule.name},
      {"lr", shortest(schedule.lr)},
      {"min_lr", shortest(schedule.min_lr)},
      {"warmup", schedule.warmup},
      {"decay_steps", schedule.steps},
      {"decay_fraction", shortest(schedule.decay_fraction)},
      {"clip", shortest(clip)},
      {"eval_every", eval_every},
      {"eval_batches", eval_batches},
      {"sample_every", sample_every},
      {"patience", patience},
      {"keep_best", keep_best},
      {"activation_checkpointing", activation_checkpointing},
      {"bfloat16", bfloat16},
      {"seed", seed}};
}

Json StepRecord::to_json() const {
  Json line = {
      {"step", step},
      {"tokens", tokens},
      {"loss", loss},
      {"lr", lr},
      {"grad_norm", grad_norm},
      {"tokens_per_s", std::round(tokens_per_s)},
      {"seconds", std::round(seconds * 1000) / 1000}};
  if (val_loss) {
    line["val_loss_sampled"] = *val_loss;
  }
  if (sample) {
    line["sample"] = *sample;
  }
  return line;
}

namespace {

/** One run: the loop of train() and what it has to remember. */
class Run {
 public:
  Run(LanguageModel& model,
      const Tokenizer& tokenizer,
      const Split& split,
      const TrainConfig& config,
      const RunInfo& info,
      const fs::path& out,
      const TrainCallbacks& callbacks,
      FileSystem& files)
      : model_(model),
        tokenizer_(tokenizer),
        split_(split),
        config_(config),
        info_(info),
        out_(out),
        callbacks_(callbacks),
        files_(files),
        step_fn_(
            model,
            config.optimizer,
            config.clip,
            config.bfloat16 ? mx::bfloat16 : mx::float32) {
    state_.parameters = model.parameters();
    state_.optimizer = step_fn_.initial_optimizer_state(state_.parameters);
    model.set_activation_checkpointing(config.activation_checkpointing);
  }

  TrainResult go(bool resume, bool force) {
    bool forced = false;
    if (resume) {
      forced = restore(force);
    }
    open_metrics(forced);
    if (callbacks_.on_start) {
      callbacks_.on_start(step_);
    }
    run_start_ = Clock::now();
    std::string stopped = step_ >= config_.steps ? "finished" : "";
    while (stopped.empty()) {
      one_step();
      if (step_ >= config_.steps) {
        stopped = "finished";
      } else if (config_.patience > 0 && worse_ >= config_.patience) {
        stopped = "early";
      } else if (callbacks_.stop_requested && callbacks_.stop_requested()) {
        stopped = "interrupted";
      }
      if (!stopped.empty() || due(config_.checkpoint_every)) {
        checkpoint();
      }
    }
    finish_model(stopped);
    return {step_, last_loss_, median_speed(), seconds(), stopped, saved_step_};
  }

 private:
  bool due(int every) const {
    return every > 0 && step_ % every == 0;
  }
  bool at_end() const {
    return step_ == config_.steps;
  }
  double seconds() const {
    return seconds_before_ +
        std::chrono::duration<double>(Clock::now() - run_start_).count();
  }

  void one_step() {
    const auto start = Clock::now();
    std::vector<Batch> batches;
    for (int i = 0; i < config_.accumulate; ++i) {
      batches.push_back(random_batch(
          split_.train,
          config_.seed,
          step_ * config_.accumulate + i,
          config_.batch,
          config_.block));
    }
    StepRecord record;
    record.lr = learning_rate(config_.schedule, static_cast<int>(step_));
    StepOutput output = step_fn_(
        state_,
        batches,
        step_,
        static_cast<float>(record.lr),
        random_key(config_.seed, "dropout", step_));
    state_ = std::move(output.state);
    model_.assign(state_.parameters);
    ++step_;
    const std::chrono::duration<double> time = Clock::now() - start;
    const double tokens =
        static_cast<double>(config_.accumulate) * config_.batch * config_.block;
    speeds_.push_back(tokens / time.count());
    record.step = step_;
    record.tokens = step_ * static_cast<int64_t>(tokens);
    record.loss = last_loss_ = output.loss;
    record.grad_norm = output.grad_norm;
    record.tokens_per_s = speeds_.back();
    if (due(config_.eval_every) || at_end()) {
      record.val_loss = evaluate();
    }
    if (callbacks_.sample && (due(config_.sample_every) || at_end())) {
      record.sample = callbacks_.sample(model_, step_);
    }
    record.seconds = seconds();
    metrics_->append(record.to_json());
    if (callbacks_.on_step) {
      callbacks_.on_step(record);
    }
  }

  double evaluate() {
    const double loss = evaluate_sampled(
        model_,
        split_.val,
        config_.seed,
        config_.eval_batches,
        config_.batch,
        config_.block);
    if (!std::isfinite(loss)) {
      throw NumericError(
          "train",
          "step " + std::to_string(step_) +
              ": the validation loss is not finite; lower --lr and go on with "
              "--resume.");
    }
    if (!best_ || loss < *best_) {
      best_ = loss;
      best_step_ = step_;
      worse_ = 0;
      if (config_.keep_best && config_.eval_every > 0) {
        save_model();
      }
    } else {
      ++worse_;
    }
    return loss;
  }

  void save_model() {
    std::string readme = info_.readme;
    readme += "- Steps: " + std::to_string(step_) + " of " +
        std::to_string(config_.steps) +
        "\n- Training loss (last batch): " + std::to_string(last_loss_) +
        " nats per token\n";
    if (best_) {
      readme += "- Validation loss (sampled): " + std::to_string(*best_) +
          " nats per token\n";
    }
    save_model_folder(out_, model_, tokenizer_, readme, files_);
    saved_step_ = step_;
  }

  // With keep_best the best model is in the folder already: load that one.
  void finish_model(const std::string& stopped) {
    const bool has_best = config_.keep_best && config_.eval_every > 0 && best_;
    if (!has_best || !holds_model(out_)) {
      if (saved_step_ != step_ || stopped != "finished" || !holds_model(out_)) {
        save_model();
      }
      return;
    }
    saved_step_ = best_step_;
    model_.assign(load_model_folder(out_).model->parameters());
  }

  double median_speed() const {
    // The first steps pay for tracing and page faults: leave them out.
    const size_t skip = speeds_.size() > 40 ? 20 : speeds_.size() / 2;
    std::vector<double> sorted(speeds_.begin() + skip, speeds_.end());
    std::sort(sorted.begin(), sorted.end());
    return sorted.empty() ? 0 : sorted[sorted.size() / 2];
  }

  // What has to be equal for a run to go on.
  Json identity() const {
    Json all = {{"config", config_.to_json()}, {"model", model_.config()}};
    all["tokenizer"] = {
        {"sha256", sha256_hex(tokenizer_json_text(tokenizer_))}};
    all["data"] = info_.data;
    return all;
  }

  void checkpoint() {
    Checkpoint c;
    c.step = step_;
    c.parameters = state_.parameters;
    c.optimizer = state_.optimizer;
    c.trainer = {
        {"identity", identity()},
        {"metrics_bytes", metrics_->sync()},
        {"seconds", seconds()},
        {"last_loss", last_loss_},
        {"best_step", best_step_},
        {"worse", worse_}};
    c.trainer["best"] = best_ ? Json(*best_) : Json(nullptr);
    save_checkpoint(out_, c, 2, files_);
  }

  // Returns true when differences were accepted by force.
  bool restore(bool force) {
    const auto found = load_checkpoint(out_, callbacks_.say);
    if (!found) {
      say("no checkpoint in " + out_.string() + ": starting from step 0");
      return false;
    }
    const std::string where = "checkpoint";
    const std::string differences = compare(found->trainer["identity"]);
    if (!differences.empty() && !force) {
      throw InputError(
          "train",
          "the run in " + out_.string() +
              " was made with other settings: " + differences +
              "; use those, or start a new run with another --out, or accept "
              "the change with --force.");
    }
    nn::check_same_names_and_shapes(
        state_.parameters, found->parameters, where);
    nn::check_same_names_and_shapes(state_.optimizer, found->optimizer, where);
    state_ = {found->parameters, found->optimizer};
    model_.assign(state_.parameters);
    step_ = found->step;
    last_loss_ = json_get<double>(found->trainer, "last_loss", where);
    seconds_before_ = json_get<double>(found->trainer, "seconds", where);
    best_step_ = json_get<int64_t>(found->trainer, "best_step", where);
    worse_ = json_get<int>(found->trainer, "worse", where);
    metrics_bytes_ = json_get<int64_t>(found->trainer, "metrics_bytes", where);
    if (!found->trainer["best"].is_null()) {
      best_ = json_get<double>(found->trainer, "best", where);
    }
    say("resuming at step " + std::to_string(step_));
    return !differences.empty();
  }

  // "lr: 0.001 then, 0.002 now; ..." for every field that differs, or "".
  std::string compare(const Json& then) const {
    const Json a = then.flatten();
    const Json b = identity().flatten();
    std::string text;
    auto add = [&](const std::string& key, const Json& x, const Json& y) {
      text += (text.empty() ? "" : ", ") + key.substr(1) + " was " + x.dump() +
          " and is " + y.dump();
    };
    for (const auto& [key, value] : a.items()) {
      const Json now = b.contains(key) ? b[key] : Json(nullptr);
      if (value != now) {
        add(key, value, now);
      }
    }
    for (const auto& [key, value] : b.items()) {
      if (!a.contains(key)) {
        add(key, nullptr, value);
      }
    }
    return text;
  }

  void open_metrics(bool forced) {
    metrics_.emplace(out_ / "metrics.jsonl", metrics_bytes_, files_);
    if (metrics_bytes_ == 0) {
      Json first = {
          {"run", fs::canonical(out_).filename().string()},
          {"config", identity()}};
      if (!info_.header.is_null()) {
        first.update(info_.header);
      }
      metrics_->append(first);
    } else if (forced) {
      metrics_->append({{"forced", identity()}, {"step", step_}});
    }
  }

  void say(const std::string& text) const {
    if (callbacks_.say) {
      callbacks_.say(text);
    }
  }

  LanguageModel& model_;
  const Tokenizer& tokenizer_;
  const Split& split_;
  const TrainConfig& config_;
  const RunInfo& info_;
  fs::path out_;
  const TrainCallbacks& callbacks_;
  FileSystem& files_;
  TrainStep step_fn_;
  TrainState state_;
  std::optional<MetricsFile> metrics_;
  int64_t metrics_bytes_ = 0;
  int64_t step_ = 0, best_step_ = 0, saved_step_ = -1;
  int worse_ = 0;
  std::optional<double> best_;
  double last_loss_ = 0, seconds_before_ = 0;
  std::vector<double> speeds_;
  Clock::time_point run_start_ = Clock::now();
};

} // namespace

TrainResult train(
    LanguageModel& model,
    const Tokenizer& tokenizer,
    const Split& split,
    const TrainConfig& config,
    const RunInfo& run,
    const fs::path& out,
    bool resume,
    bool force,
    const TrainCallbacks& callbacks,
    FileSystem& files) {
  config.validate();
  if (config.block > model.context_length()) {
    throw UsageError(
        "train",
        "expected --block of at most the model's context " +
            std::to_string(model.context_length()) + " but received " +
            std::to_string(config.block) + ".");
  }
  check_split(split, config.block);
  if (!resume && holds_model(out)) {
    throw UsageError(
        "train",
        out.string() +
            " holds a model already; go on with --resume or choose another "
            "folder with --out.");
  }
  ensure_folder(out, files);
  remove_leftovers(out, files);
  if (fs::exists(out / "checkpoints")) {
    remove_leftovers(out / "checkpoints", files);
  }
  Run loop(model, tokenizer, split, config, run, out, callbacks, files);
  return loop.go(resume, force);
}

} // namespace llm
