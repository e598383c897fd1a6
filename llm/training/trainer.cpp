// SPDX-License-Identifier: MIT

#include "llm/training/trainer.h"

#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include "llm/core/error.h"
#include "llm/core/random.h"
#include "llm/training/checkpoint.h"
#include "llm/training/pace.h"
#include "llm/training/pretraining.h"
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
      const TrainTask& task,
      const TrainConfig& config,
      const RunInfo& info,
      const fs::path& out,
      const TrainCallbacks& callbacks,
      FileSystem& files)
      : model_(model),
        task_(task),
        config_(config),
        info_(info),
        out_(out),
        callbacks_(callbacks),
        files_(files),
        step_fn_(
            model,
            config.optimizer,
            config.clip,
            config.bfloat16 ? mx::bfloat16 : mx::float32,
            task.trainable,
            task.loss),
        identity_(run_identity(config, model, tokenizer, info.data)) {
    TrainState& arrays = state_.arrays;
    arrays.parameters = step_fn_.trained();
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
      some_steps();
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
    return config_.keep_best && config_.eval_every > 0 && task_.evaluate;
  }
  double seconds() const {
    return state_.seconds + pace_.seconds();
  }

  /** An update that a GPU computes while the next one is prepared. */
  struct Begun {
    PendingStep update;
    StepRecord record;
    int64_t tokens = 0;               // of its batches
    std::optional<StepOutput> output; // on a CPU: it was waited for
  };

  Begun begin_step() {
    StepRecord record;
    record.lr = learning_rate(config_.schedule, static_cast<int>(state_.step));
    const std::vector<TrainBatch> batches = task_.batches(state_.step);
    Begun begun{
        step_fn_.start(
            state_.arrays,
            batches,
            state_.step,
            static_cast<float>(record.lr),
            random_key(config_.seed, "dropout", state_.step)),
        record};
    for (const TrainBatch& batch : batches) {
      begun.tokens += batch.tokens;
    }
    if (!overlaps()) { // throws before anything changes
      begun.output = step_fn_.finish(begun.update);
    }
    state_.arrays = begun.update.state;
    model_.assign(state_.arrays.parameters);
    ++state_.step;
    return begun;
  }

  static bool overlaps() {
    return mx::default_device() == mx::Device::gpu;
  }

  /** True if nobody looks at the weights before the next update. */
  bool goes_on() const {
    return overlaps() && !at_end() && !due(config_.checkpoint_every) &&
        !due(config_.sample_every) &&
        !(task_.evaluate && due(config_.eval_every)) &&
        !(callbacks_.stop_requested && callbacks_.stop_requested());
  }

  /** One update; on a GPU all until somebody looks at the weights. */
  void some_steps() {
    pace_.begin_update();
    Begun begun = begin_step();
    while (goes_on()) {
      Begun next = begin_step();
      finish_step(begun);
      pace_.begin_update();
      begun = std::move(next);
    }
    finish_step(begun);
  }

  void finish_step(const Begun& begun) {
    StepRecord record = begun.record;
    const StepOutput output =
        begun.output ? *begun.output : step_fn_.finish(begun.update);
    pace_.end_update(static_cast<double>(begun.tokens));
    state_.tokens += begun.tokens;
    record.step = begun.update.step + 1;
    record.tokens = state_.tokens;
    record.loss = state_.last_loss = output.loss;
    record.grad_norm = output.grad_norm;
    record.tokens_per_s = pace_.last();
    look(record);
  }

  /** What is due after an update, and the line that tells of it. */
  void look(StepRecord& record) {
    const bool now = record.step == state_.step; // else nothing is due
    if (now && task_.evaluate && (due(config_.eval_every) || at_end())) {
      const Validation validation = evaluate();
      record.val_loss = validation.loss;
      record.more = validation.more;
    }
    if (now && callbacks_.sample && (due(config_.sample_every) || at_end())) {
      record.sample = callbacks_.sample(model_, state_.step);
    }
    record.seconds = seconds();
    metrics_->append(record.to_json());
    if (callbacks_.on_step) {
      callbacks_.on_step(record);
    }
  }

  Validation evaluate() {
    const Validation validation = task_.evaluate(model_);
    if (!std::isfinite(validation.loss)) {
      throw NumericError(
          "train",
          "step " + std::to_string(state_.step) +
              ": the validation loss is not finite; lower --lr and go on with "
              "--resume.");
    }
    if (state_.note_val_loss(validation.loss) && keeps_best()) {
      save_model();
    }
    return validation;
  }

  void save_model() {
    const std::string readme = info_.readme + state_.to_text(config_.steps);
    task_.save(out_, readme, files_);
    saved_step_ = state_.step;
  }

  // With keep_best the best model is in the folder already: load that one.
  void finish_model(const std::string& stopped) {
    if (!keeps_best() || !state_.best || !task_.is_saved(out_)) {
      if (saved_step_ != state_.step || stopped != "finished" ||
          !task_.is_saved(out_)) {
        save_model();
      }
      return;
    }
    saved_step_ = state_.best_step;
    model_.assign(task_.load(out_));
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
  const TrainTask& task_;
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
    const TrainTask& task,
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
  if (!resume && task.is_saved(out)) {
    throw UsageError(
        "train",
        out.string() + " holds " + task.product +
            " already; go on with --resume or choose another "
            "folder with --out.");
  }
  ensure_folder(out, files);
  remove_leftovers(out, files);
  if (fs::exists(out / "checkpoints")) {
    remove_leftovers(out / "checkpoints", files);
  }
  Run loop(model, tokenizer, task, config, run, out, callbacks, files);
  return loop.go(resume, force);
}

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
  return train(
      model,
      tokenizer,
      pretraining_task(model, tokenizer, split, config),
      config,
      run,
      out,
      resume,
      force,
      callbacks,
      files);
}

} // namespace llm
