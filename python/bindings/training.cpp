// SPDX-License-Identifier: MIT
//
// Training from nothing: settings, presets, the loop.

#include <optional>

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include "llm/core/lock_file.h"
#include "llm/data/split.h"
#include "llm/training/presets.h"
#include "llm/training/run_info.h"
#include "llm/training/trainer.h"
#include "python/bindings/callbacks.h"
#include "python/bindings/casters.h"
#include "python/bindings/fields.h"

namespace llm::python {

TrainCallbacks
make_callbacks(const OnStep& on_step, const OnSample& sample, bool& pressed) {
  TrainCallbacks out;
  out.stop_requested = [&pressed] {
    const nb::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) {
      if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) == 0) {
        throw nb::python_error();
      }
      PyErr_Clear();
      pressed = true;
    }
    return pressed;
  };
  if (on_step) {
    out.on_step = [&](const StepRecord& record) {
      const nb::gil_scoped_acquire gil;
      pressed = pressed || on_step(record).is(nb::handle(Py_False));
    };
  }
  if (sample) {
    out.sample = [&](const LanguageModel&, int64_t step) {
      return sample(step);
    };
  }
  out.say = [](const std::string& text) {
    const nb::gil_scoped_acquire gil;
    nb::print(text.c_str());
  };
  return out;
}

namespace {

void add_configs(nb::module_& m) {
  nb::class_<OptimizerConfig> optimizer(
      m,
      "OptimizerConfig",
      "sgd, momentum, adam, adamw, lion or muon, and what they need.");
  optimizer.def_rw("name", &OptimizerConfig::name)
      .def_rw("beta1", &OptimizerConfig::beta1)
      .def_rw("beta2", &OptimizerConfig::beta2)
      .def_rw("eps", &OptimizerConfig::eps)
      .def_rw("weight_decay", &OptimizerConfig::weight_decay)
      .def_rw("momentum", &OptimizerConfig::momentum)
      .def_rw("nesterov", &OptimizerConfig::nesterov)
      .def_rw("newton_schulz_steps", &OptimizerConfig::newton_schulz_steps)
      .def_rw("adamw_lr_scale", &OptimizerConfig::adamw_lr_scale)
      .def_rw("bias_correction", &OptimizerConfig::bias_correction)
      .def_rw("lora_b_lr_scale", &OptimizerConfig::lora_b_lr_scale);
  add_fields(optimizer);
  m.def("optimizer_names", &optimizer_names);

  nb::class_<ScheduleConfig> schedule(
      m, "ScheduleConfig", "When the learning rate is how high.");
  schedule.def_rw("name", &ScheduleConfig::name)
      .def_rw("lr", &ScheduleConfig::lr)
      .def_rw("min_lr", &ScheduleConfig::min_lr)
      .def_rw("warmup", &ScheduleConfig::warmup)
      .def_rw("steps", &ScheduleConfig::steps)
      .def_rw("decay_fraction", &ScheduleConfig::decay_fraction);
  add_fields(schedule);
  m.def("schedule_names", &schedule_names);
  m.def(
      "learning_rate",
      &learning_rate,
      "schedule"_a,
      "step"_a,
      "The learning rate of step 0, 1, ...");
}

void add_train_config(nb::module_& m) {
  nb::class_<TrainConfig> train(
      m, "TrainConfig", "What a run does: steps, batches, rates, how often.");
  train.def_rw("steps", &TrainConfig::steps)
      .def_rw("batch", &TrainConfig::batch)
      .def_rw("block", &TrainConfig::block)
      .def_rw("short_every", &TrainConfig::short_every)
      .def_rw("short_block", &TrainConfig::short_block)
      .def_rw("accumulate", &TrainConfig::accumulate)
      .def_rw("optimizer", &TrainConfig::optimizer)
      .def_rw("schedule", &TrainConfig::schedule)
      .def_rw("clip", &TrainConfig::clip)
      .def_rw("eval_every", &TrainConfig::eval_every)
      .def_rw("eval_batches", &TrainConfig::eval_batches)
      .def_rw("sample_every", &TrainConfig::sample_every)
      .def_rw("checkpoint_every", &TrainConfig::checkpoint_every)
      .def_rw("patience", &TrainConfig::patience)
      .def_rw("keep_best", &TrainConfig::keep_best)
      .def_rw(
          "activation_checkpointing", &TrainConfig::activation_checkpointing)
      .def_rw("bfloat16", &TrainConfig::bfloat16)
      .def_rw("seed", &TrainConfig::seed)
      .def(
          "set_steps",
          &TrainConfig::set_steps,
          "n"_a,
          "Another number of updates: the schedule ends with the run.")
      .def(
          "set_block",
          &TrainConfig::set_block,
          "n"_a,
          "Another window, with short windows of an eighth of it.")
      .def("to_json", &TrainConfig::to_json);
  add_fields(train);
}

void add_presets(nb::module_& m) {
  nb::class_<ModelShape> shape(
      m, "ModelShape", "The shape of a new model in words for every kind.");
  shape.def_rw("architecture", &ModelShape::architecture)
      .def_rw("layers", &ModelShape::layers)
      .def_rw("heads", &ModelShape::heads)
      .def_rw("kv_heads", &ModelShape::kv_heads)
      .def_rw("width", &ModelShape::width)
      .def_rw("mlp_width", &ModelShape::mlp_width)
      .def_rw("activation", &ModelShape::activation)
      .def_rw("bias", &ModelShape::bias)
      .def_rw("dropout", &ModelShape::dropout);
  add_fields(shape);
  nb::class_<Preset> type(m, "Preset", "A corpus, a model and a recipe.");
  type.def_rw("data", &Preset::data)
      .def_rw("tokenizer", &Preset::tokenizer)
      .def_rw("bpe_vocab_size", &Preset::bpe_vocab_size)
      .def_rw("model", &Preset::model)
      .def_rw("train", &Preset::train);
  add_fields(type);
  m.def("preset_names", &preset_names);
  m.def(
      "preset",
      [](const std::string& name) {
        Preset p = preset(name);
        p.train.bfloat16 = computes_in_bfloat16(p.train);
        return p;
      },
      "name"_a,
      "\"tiny\", \"nano\" or \"shakespeare\", as simple_llm trains them on "
      "this device.");
  m.def(
      "model_config",
      &model_config,
      "shape"_a,
      "vocab_size"_a,
      "context"_a,
      "config.json of a model of this shape, for make_model().");
  m.def(
      "make_tokenizer",
      &make_tokenizer,
      "preset"_a,
      "corpus"_a,
      "Learns the preset's tokenizer from a corpus.");
}

void add_records(nb::module_& m) {
  nb::class_<StepRecord>(m, "StepRecord", "What is known after an update.")
      .def_ro("step", &StepRecord::step, "Updates done.")
      .def_ro("tokens", &StepRecord::tokens, "Read so far.")
      .def_ro("loss", &StepRecord::loss, "Of its batch, nats per token.")
      .def_ro("lr", &StepRecord::lr)
      .def_ro("grad_norm", &StepRecord::grad_norm)
      .def_ro("tokens_per_s", &StepRecord::tokens_per_s)
      .def_ro("seconds", &StepRecord::seconds)
      .def_ro("val_loss", &StepRecord::val_loss, "Sampled, or None.")
      .def_ro("sample", &StepRecord::sample)
      .def_ro("more", &StepRecord::more)
      .def("to_json", &StepRecord::to_json, "A line of metrics.jsonl.")
      .def("__repr__", [](const StepRecord& r) {
        return "StepRecord" + r.to_json().dump();
      });
  nb::class_<TrainResult>(m, "TrainResult", "How a run ended.")
      .def_ro("steps", &TrainResult::steps)
      .def_ro("train_loss", &TrainResult::train_loss)
      .def_ro("tokens_per_s", &TrainResult::tokens_per_s)
      .def_ro("seconds", &TrainResult::seconds)
      .def_ro(
          "stopped",
          &TrainResult::stopped,
          "\"finished\", \"interrupted\" or \"early\".")
      .def_ro("best_step", &TrainResult::best_step, "Of the saved model.")
      .def("__repr__", [](const TrainResult& r) {
        return "<" + r.stopped + " after " + std::to_string(r.steps) +
            " steps, loss " + three_digits(r.train_loss) + ">";
      });
  nb::class_<RunInfo>(
      m,
      "RunInfo",
      "What a run says of itself in the first line of metrics.jsonl; header "
      "holds the n-gram ladder and the entropy floor where they are known.")
      .def(
          "__init__",
          [](RunInfo* self, Json data, Json header, std::string readme) {
            new (self)
                RunInfo{std::move(data), std::move(header), std::move(readme)};
          },
          "data"_a = Json::object(),
          "header"_a = Json::object(),
          "readme"_a = "")
      .def_ro("data", &RunInfo::data)
      .def_ro("header", &RunInfo::header)
      .def_ro("readme", &RunInfo::readme);
}

TrainResult run(
    LanguageModel& model,
    const Tokenizer& tokenizer,
    const Split& split,
    const TrainConfig& config,
    const std::filesystem::path& out,
    const std::optional<RunInfo>& info,
    bool resume,
    bool force,
    const OnStep& on_step,
    const OnSample& sample) {
  bool pressed = false;
  const TrainCallbacks callbacks = make_callbacks(on_step, sample, pressed);
  const nb::gil_scoped_release release;
  config.validate();
  check_split(split, config.block);
  ensure_folder(out);
  const LockFile lock(out);
  return train(
      model,
      tokenizer,
      split,
      config,
      info.value_or(RunInfo{Json::object(), Json::object(), ""}),
      out,
      resume,
      force,
      callbacks);
}

} // namespace

void init_training(nb::module_& m) {
  add_configs(m);
  add_train_config(m);
  add_presets(m);
  add_records(m);
  m.def(
      "make_run_info",
      &make_run_info,
      "corpus"_a,
      "split"_a,
      "tokenizer"_a,
      "config"_a,
      "preset_name"_a = "",
      Release(),
      "Describes a run, with the n-gram ladder and, for tiny-tales, the "
      "entropy floor; both take a few seconds.");
  m.def(
      "train",
      &run,
      "model"_a,
      "tokenizer"_a,
      "split"_a,
      "config"_a,
      "out"_a,
      "info"_a = nb::none(),
      "resume"_a = false,
      "force"_a = false,
      "on_step"_a = nb::none(),
      "sample"_a = nb::none(),
      "Trains a model in place and saves it in the folder `out` with "
      "metrics.jsonl and checkpoints; `resume` goes on from the newest one. "
      "on_step(StepRecord) may return False to stop; sample(step) -> text is "
      "asked every config.sample_every steps. Ctrl-C finishes the step, saves "
      "and returns with stopped = \"interrupted\".\n\n"
      "UsageError when `out` holds a model already, InputError when a resumed "
      "run has other settings, NumericError when the loss is not finite.");
}

} // namespace llm::python
