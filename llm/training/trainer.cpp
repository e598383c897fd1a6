// SPDX-License-Identifier: MIT

#include "llm/training/trainer.h"

#include <cmath>
#include <optional>
#include <vector>

#include "llm/core/error.h"
#include "llm/core/random.h"
#include "llm/data/batches.h"
#include "llm/models/load.h"
#include "llm/training/checkpoint.h"
#include "llm/training/evaluate.h"
#include "llm/training/pace.h"
#include "llm/training/run_state.h"
#include "llm/training/train_step.h"

namespace llm {

namespace {

namespace fs = std::filesystem;

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
            config.bfloat16 ? mx::bfloat16 : mx::float32),
        identity_(run_identity(config, model, tokenizer, info.data)) {
    TrainState& arrays = state_.arrays;
    arrays.parameters = model.parameters();
    arrays.optimizer = step_fn_.initial_optimizer_state(arrays.parameters);
    model.set_activation_checkpointing(config.activation_checkpointing);
  }

  TrainResult go(bool resume, bool force) {
    bool forced = false;
    if (resume) {
      forced = restore(force);
    }
    open_metrics(forced);
    if (callbacks_.on_start) {
      callbacks_.on_start(state_.step);
    }
    pace_ = Pace(); // it counts from now on
    std::string stopped = state_.step >= config_.steps ? "finished" : "";
    while (stopped.empty()) {
      one_step();
      if (state_.step >= config_.steps) {
        stopped = "finished";
      } else if (config_.patience > 0 && state_.worse >= config_.patience) {
        stopped = "early";
      } else if (callbacks_.stop_requested && callbacks_.stop_requested()) {
        stopped = "interrupted";
      }
      if (!stopped.empty() || due(config_.checkpoint_every)) {
        checkpoint();
      }
    }
    finish_model(stopped);
    return {
        state_.step,
        state_.last_loss,
        pace_.median(),
        seconds(),
        stopped,
        saved_step_};
  }

 private:
  bool due(int every) const {
    return every > 0 && state_.step % every == 0;
  }
  bool at_end() const {
    return state_.step == config_.steps;
  }
  bool keeps_best() const {
    return config_.keep_best && config_.eval_every > 0;
  }
  double seconds() const {
    return state_.seconds + pace_.seconds();
  }

  // The micro-batches of the next update. In a long window few predictions are
  // made from a few tokens, so now and then a batch is cut into short windows:
  // the same number of tokens.
  std::vector<Batch> next_batches() const {
    std::vector<Batch> batches;
    for (int i = 0; i < config_.accumulate; ++i) {
      const int64_t n = state_.step * config_.accumulate + i;
      const int every = config_.short_every;
      const bool is_short = every > 0 && n % every == every - 1;
      const int block = is_short ? config_.short_block : config_.block;
      const int windows = config_.batch * (config_.block / block);
      batches.push_back(
          random_batch(split_.train, config_.seed, n, windows, block));
    }
    return batches;
  }

  void one_step() {
    pace_.begin_update();
    StepRecord record;
    record.lr = learning_rate(config_.schedule, static_cast<int>(state_.step));
    StepOutput output = step_fn_(
        state_.arrays,
        next_batches(),
        state_.step,
        static_cast<float>(record.lr),
        random_key(config_.seed, "dropout", state_.step));
    state_.arrays = std::move(output.state);
    model_.assign(state_.arrays.parameters);
    ++state_.step;
    const double tokens =
        static_cast<double>(config_.accumulate) * config_.batch * config_.block;
    pace_.end_update(tokens);
    record.step = state_.step;
    record.tokens = state_.step * static_cast<int64_t>(tokens);
    record.loss = state_.last_loss = output.loss;
    record.grad_norm = output.grad_norm;
    record.tokens_per_s = pace_.last();
    if (due(config_.eval_every) || at_end()) {
      record.val_loss = evaluate();
    }
    if (callbacks_.sample && (due(config_.sample_every) || at_end())) {
      record.sample = callbacks_.sample(model_, state_.step);
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
          "step " + std::to_string(state_.step) +
              ": the validation loss is not finite; lower --lr and go on with "
              "--resume.");
    }
    if (state_.note_val_loss(loss) && keeps_best()) {
      save_model();
    }
    return loss;
  }

  void save_model() {
    const std::string readme = info_.readme + state_.to_text(config_.steps);
    save_model_folder(out_, model_, tokenizer_, readme, files_);
    saved_step_ = state_.step;
  }

  // With keep_best the best model is in the folder already: load that one.
  void finish_model(const std::string& stopped) {
    if (!keeps_best() || !state_.best || !holds_model(out_)) {
      if (saved_step_ != state_.step || stopped != "finished" ||
          !holds_model(out_)) {
        save_model();
      }
      return;
    }
    saved_step_ = state_.best_step;
    model_.assign(load_model_folder(out_).model->parameters());
  }

  void checkpoint() {
    RunState now = state_;
    now.metrics_bytes = metrics_->sync();
    now.seconds = seconds();
    save_checkpoint(out_, to_checkpoint(now, identity_), 2, files_);
  }

  // Returns true when differences were accepted by force.
  bool restore(bool force) {
    const auto found = load_checkpoint(out_, callbacks_.say);
    if (!found) {
      say("no checkpoint in " + out_.string() + ": starting from step 0");
      return false;
    }
    const bool same = is_same_run(*found, identity_, out_, force);
    state_ = from_checkpoint(*found, state_.arrays);
    model_.assign(state_.arrays.parameters);
    say("resuming at step " + std::to_string(state_.step));
    return !same;
  }

  void open_metrics(bool forced) {
    metrics_.emplace(out_ / "metrics.jsonl", state_.metrics_bytes, files_);
    if (state_.metrics_bytes == 0) {
      Json first = {
          {"run", fs::canonical(out_).filename().string()},
          {"config", identity_}};
      if (!info_.header.is_null()) {
        first.update(info_.header);
      }
      metrics_->append(first);
    } else if (forced) {
      metrics_->append({{"forced", identity_}, {"step", state_.step}});
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
  Json identity_;
  RunState state_; // its seconds and metrics_bytes: as this part began
  std::optional<MetricsFile> metrics_;
  int64_t saved_step_ = -1; // of the model in the folder
  Pace pace_;               // of this part
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
