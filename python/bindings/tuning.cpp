// SPDX-License-Identifier: MIT
//
// Fine-tuning: adapters, and the same loop on examples or preference pairs.

#include <optional>

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "llm/core/error.h"
#include "llm/core/lock_file.h"
#include "llm/data/chat_format.h"
#include "llm/models/usable_model.h"
#include "llm/training/adapter_files.h"
#include "llm/training/adapters.h"
#include "llm/training/instruction_task.h"
#include "python/bindings/callbacks.h"
#include "python/bindings/casters.h"
#include "python/bindings/fields.h"

namespace llm::python {

namespace {

/** What tune() does beside TrainConfig, and how it reads the data. */
struct Tuning : TuneConfig {
  std::string chat_format = "auto";
  bool mask_prompt = true;
};

void add_configs(nb::module_& m) {
  nb::class_<AdapterConfig> adapter(
      m,
      "AdapterConfig",
      "A LoRA adapter: rank, scale (alpha / rank), targets by name, on the "
      "last `layers` blocks; `dora` also learns the length of each row.");
  adapter.def_rw("dora", &AdapterConfig::dora)
      .def_rw("rank", &AdapterConfig::rank)
      .def_rw("scale", &AdapterConfig::scale)
      .def_rw("dropout", &AdapterConfig::dropout)
      .def_rw("targets", &AdapterConfig::targets)
      .def_rw("layers", &AdapterConfig::layers);
  add_fields(adapter);
  nb::class_<Tuning> tune(
      m,
      "TuneConfig",
      "objective: \"sft\" (examples) or \"dpo\" (preference pairs, beta); "
      "chat_format: \"auto\", \"chatml\" or \"plain\"; mask_prompt: only "
      "answers count; packing: several examples in a row; shuffle; "
      "count_padding: as mlx-lm's loss does.");
  tune.def_rw("objective", &Tuning::objective)
      .def_rw("chat_format", &Tuning::chat_format)
      .def_rw("mask_prompt", &Tuning::mask_prompt)
      .def_rw("packing", &Tuning::packing)
      .def_rw("shuffle", &Tuning::shuffle)
      .def_rw("count_padding", &Tuning::count_padding)
      .def_rw("beta", &Tuning::beta);
  add_fields(tune);
  m.def(
      "tune_defaults",
      &tune_defaults,
      "A TrainConfig to begin fine-tuning with: few steps, small batches, a "
      "low rate.");
}

void add_adapter_functions(nb::module_& m) {
  m.def(
      "target_paths",
      &target_paths,
      "model"_a,
      "config"_a,
      "The linear layers that would get an adapter. UsageError lists the names "
      "there are when a target fits none.");
  m.def(
      "add_adapters",
      &add_adapters,
      "model"_a,
      "config"_a,
      "seed"_a = 1337,
      "Puts an adapter on each of target_paths(); at first nothing changes.");
  m.def(
      "adapter_parameters",
      &adapter_parameters,
      "model"_a,
      "The arrays of all adapters by path: what is trained and saved.");
  m.def("remove_adapters", &remove_adapters, "model"_a);
  m.def(
      "fuse_adapters",
      &fuse_adapters,
      "model"_a,
      "Folds all adapters into the weights.");
  m.def(
      "load_adapters",
      &load_adapters,
      "model"_a,
      "folder"_a,
      "Puts the adapter in a folder (adapters.safetensors, as mlx-lm's) on the "
      "model. InputError lists what does not fit.");
  m.def(
      "save_adapters",
      [](LanguageModel& model,
         const AdapterConfig& config,
         const std::filesystem::path& folder,
         const Json& about) {
        ensure_folder(folder);
        save_adapters(model, config, folder, about);
      },
      "model"_a,
      "config"_a,
      "folder"_a,
      "about"_a = Json::object(),
      "Writes them as mlx-lm reads them.");
  m.def(
      "save_peft",
      [](LanguageModel& model,
         const AdapterConfig& config,
         const std::string& base,
         const std::filesystem::path& folder) {
        ensure_folder(folder);
        save_peft(model, config, base, folder);
      },
      "model"_a,
      "config"_a,
      "base"_a,
      "folder"_a,
      "Writes them for Hugging Face's PEFT; `base` names the base model.");
}

TrainTask make_task(
    UsableModel& usable,
    const std::optional<AdapterConfig>& adapter,
    const Json& about,
    const TrainConfig& config) {
  TrainTask task;
  if (!adapter) {
    train_weights(
        task, *usable.model, *usable.tokenizer, nn::everything, usable.info);
    return task;
  }
  if (adapter_parameters(*usable.model).empty()) {
    add_adapters(*usable.model, *adapter, config.seed);
  }
  train_adapters(task, *usable.model, *adapter, about);
  return task;
}

TrainResult tune(
    UsableModel& usable,
    const InstructionData& data,
    const std::filesystem::path& out,
    const std::optional<AdapterConfig>& adapter,
    const std::optional<TrainConfig>& train_config,
    const Tuning& tuning,
    bool resume,
    bool force,
    const OnStep& on_step,
    const OnSample& sample) {
  bool pressed = false;
  const TrainCallbacks callbacks = make_callbacks(on_step, sample, pressed);
  const nb::gil_scoped_release release;
  const TrainConfig config = train_config.value_or(tune_defaults());
  config.validate();
  RunInfo info;
  info.header = {
      {"model", usable.path.string()},
      {"method",
       !adapter            ? "full"
           : adapter->dora ? "dora"
                           : "lora"},
      {"objective", tuning.objective},
      {"mask_prompt", tuning.mask_prompt}};
  info.data = {{"sha256", data.sha256}, {"packing", tuning.packing}};
  info.readme = "# A fine-tuned model\n\nMade with MLX LLM Tutorial.\n";
  TrainTask task = make_task(usable, adapter, info.header, config);
  const EncodeRules rules{
      *usable.tokenizer,
      chat_format(tuning.chat_format, *usable.tokenizer, usable.info),
      config.block,
      tuning.mask_prompt};
  learn_from(task, data, rules, *usable.model, tuning, config);
  ensure_folder(out);
  const LockFile lock(out);
  return llm::train(
      *usable.model,
      *usable.tokenizer,
      task,
      config,
      info,
      out,
      resume,
      force,
      callbacks);
}

} // namespace

void init_tuning(nb::module_& m) {
  add_configs(m);
  add_adapter_functions(m);
  m.def(
      "tune",
      &tune,
      "usable"_a,
      "data"_a,
      "out"_a,
      "adapter"_a = nb::none(),
      "config"_a = nb::none(),
      "tune_config"_a = Tuning(),
      "resume"_a = false,
      "force"_a = false,
      "on_step"_a = nb::none(),
      "sample"_a = nb::none(),
      "Trains on examples or preference pairs: an adapter if one is given, "
      "else all weights. The folder `out` gets what was trained, metrics.jsonl "
      "and checkpoints. `config`: tune_defaults(). on_step, sample and Ctrl-C "
      "as in train().");
}

} // namespace llm::python
