// SPDX-License-Identifier: MIT
//
// finetune_llm train: from the options to a task for the trainer, and what is
// said before, while and after it runs.

#pragma once

#include <iostream>
#include <optional>

#include "code/finetune/answers.h"
#include "code/finetune/train_setup.h"
#include "llm/core/lock_file.h"
#include "llm/core/progress.h"
#include "llm/data/instruction_report.h"
#include "llm/training/instruction_task.h"
#include "llm/training/masked.h"
#include "llm/training/run_info.h"
#include "llm/training/trainer.h"

namespace llm {

inline TrainCallbacks watch_tuning(
    const TuneOptions& o,
    const TunedModel& m,
    const Interrupt& interrupt,
    std::optional<Progress>& progress) {
  TrainCallbacks callbacks;
  callbacks.on_start = [&](int64_t step) {
    progress.emplace("train", o.train.steps, ProgressOptions{.start = step});
  };
  callbacks.stop_requested = [&] { return interrupt.requested(); };
  callbacks.say = [](const std::string& text) { std::cerr << text << "\n"; };
  if (!o.prompt.empty()) {
    callbacks.sample = [&](const LanguageModel&, int64_t) {
      return answer(m, o, user_message(o.prompt)).text;
    };
  }
  callbacks.on_step = [&](const StepRecord& r) {
    progress->update(r.step, "loss " + three_digits(r.loss));
    if (r.val_loss) {
      std::string line = "step " + std::to_string(r.step) + ": held-out loss " +
          three_digits(*r.val_loss);
      if (r.more.contains("preference_margin")) {
        line += ", prefers the chosen one in " +
            three_digits(100 * r.more["preference_accuracy"].get<double>()) +
            " %, margin " + three_digits(r.more["preference_margin"]);
      }
      progress->message(line);
    }
    if (r.sample) {
      progress->message("answer: " + *r.sample + "\n");
    }
  };
  return callbacks;
}

/** Loss of each kind before and after, as lines for people. */
inline void show_kinds(const Json& before, const Json& after) {
  const auto line = [](const std::string& name, double a, double b) {
    std::cout << "  " << name << ": " << three_digits(a) << " -> "
              << three_digits(b) << " (" << three_digits(100 * (b / a - 1))
              << " %)\n";
  };
  std::cout << "held-out loss before and after:\n";
  if (after.contains("kinds")) {
    for (const auto& [kind, value] : after["kinds"].items()) {
      line(kind, before["kinds"][kind]["loss"], value["loss"]);
    }
  }
  line("all", before["loss"], after["loss"]);
}

/** The held-out loss of all examples, as JSON; null without any. */
inline Json judge(const TuneOptions& o, const TunedModel& m, const HeldOut& h) {
  return h.examples.empty()
      ? Json()
      : to_json(evaluate_examples(
            *m.model, *m.tokenizer, h.examples, o.train.batch));
}

inline int report_data(
    const TuneOptions& o,
    const InstructionData& data,
    const EncodeRules& rules) {
  const auto reports = report_on(data, rules);
  std::cout << to_text(reports, rules.max_length);
  if (o.json) {
    std::cout << to_json(reports).dump() << "\n";
  }
  return 0;
}

/** What is trained and saved; the folder must be free for it. */
inline TrainTask make_task(
    const TuneOptions& o,
    const TunedModel& m,
    const std::filesystem::path& out) {
  TrainTask task;
  if (uses_adapter(o)) {
    train_adapters(task, *m.model, o.adapter_config, about_run(o, m));
    check_out(o, out);
  } else {
    const int layers = o.method == "last" ? o.adapter_config.layers : -1;
    const nn::PathFilter trained = last_layers(*m.model, layers);
    train_weights(task, *m.model, *m.tokenizer, trained, m.info);
  }
  if (!o.resume && task.is_saved(out)) {
    throw UsageError(
        "train",
        out.string() + " holds " + task.product +
            " already; go on with --resume or choose another folder with "
            "--out.");
  }
  return task;
}

/** Adds the held-out losses, before and after, to the summary. */
inline void judge_run(
    Json& summary,
    const TuneOptions& o,
    const TunedModel& m,
    const TrainTask& task,
    const HeldOut& held_out,
    const Json& before) {
  if (!task.evaluate) {
    return;
  }
  const Validation v = task.evaluate(*m.model);
  summary["val_loss_sampled"] = v.loss;
  if (!v.more.is_null()) {
    summary.update(v.more);
  }
  if (!before.is_null()) {
    const Json after = judge(o, m, held_out);
    summary["val_loss_full"] = after["loss"];
    summary["before"] = before;
    summary["after"] = after;
    show_kinds(before, after);
  }
}

/** Trains, judges and tells. The caller holds the lock of `out`. */
inline int tune_into(
    const std::filesystem::path& out,
    const TuneOptions& o,
    const TunedModel& m,
    const InstructionData& data,
    const EncodeRules& rules,
    TrainTask& task) {
  const HeldOut held_out =
      learn_from(task, data, rules, *m.model, o.tune, o.train);
  const int64_t trained =
      nn::count(nn::select(m.model->parameters(), task.trainable));
  std::cerr << "training " << trained << " of " << parameter_count(*m.model)
            << " parameters on " << data.train.size() << " examples ("
            << backend_text() << ")\n";
  const Json before = judge(o, m, held_out);
  const Interrupt interrupt;
  std::optional<Progress> progress;
  const TrainResult result = train(
      *m.model,
      *m.tokenizer,
      task,
      o.train,
      tune_info(o, m, data),
      out,
      o.resume,
      o.force,
      watch_tuning(o, m, interrupt, progress));
  progress.reset();
  Json summary = summary_of(result, out);
  summary["trained_parameters"] = trained;
  if (result.stopped != "interrupted") {
    judge_run(summary, o, m, task, held_out, before);
  }
  summary["peak_bytes"] = peak_memory_bytes();
  std::cout << result.stopped << " after " << result.steps << " steps, "
            << format_seconds(result.seconds) << "; saved in " << out.string()
            << "\n";
  if (o.json) {
    std::cout << summary.dump() << "\n";
  }
  return 0;
}

inline int run_tune(TuneOptions& o) {
  settle_method(o);
  o.train.seed = o.seed;
  InstructionData data = load_instructions(o.data, o.max_errors);
  hold_out_validation(data);
  settle_steps(o, data.train.size());
  o.train.validate();
  const TunedModel m = start_model(o);
  const EncodeRules rules{*m.tokenizer, m.format, o.train.block, o.mask_prompt};
  if (o.validate) {
    return report_data(o, data, rules);
  }
  const std::filesystem::path out = o.out.empty()
      ? new_model_folder(name_of(m) + "-" + o.method)
      : std::filesystem::path(o.out);
  TrainTask task = make_task(o, m, out);
  ensure_folder(out);
  const LockFile lock(out);
  return tune_into(out, o, m, data, rules, task);
}

} // namespace llm
