// SPDX-License-Identifier: MIT
//
// What a fine-tuning run begins with: the method's settings, the model with
// what is trained on it, and what the run says about itself.

#pragma once

#include <algorithm>
#include <cmath>
#include <iostream>

#include "code/finetune/model.h"
#include "llm/data/instructions.h"
#include "llm/io/safetensors.h"
#include "llm/models/config.h"
#include "llm/training/adapters.h"
#include "llm/training/run_info.h"

namespace llm {

/** How many steps, and the schedule that goes with them. */
inline void settle_steps(TuneOptions& o, size_t examples) {
  TrainConfig& t = o.train;
  if (!(o.epochs >= 0 && o.epochs < 1e6)) {
    throw UsageError("options", "expected --epochs from 0 to a million.");
  }
  if (o.epochs > 0) {
    const double batches = o.epochs * static_cast<double>(examples) /
        (1.0 * t.batch * t.accumulate);
    t.steps = static_cast<int>(std::clamp(std::ceil(batches), 1.0, 1e9));
  }
  t.schedule.min_lr = o.min_lr_given ? t.schedule.min_lr : t.schedule.lr / 10;
  t.schedule.warmup = o.warmup_given ? t.schedule.warmup : t.steps / 10;
  t.schedule.steps = o.decay_given ? t.schedule.steps : t.steps;
}

inline bool uses_adapter(const TuneOptions& o) {
  return o.method != "full" && o.method != "last";
}

/** An adapter belongs beside no model: which of them would one load? */
inline void check_out(const TuneOptions& o, const std::filesystem::path& out) {
  std::error_code ignored;
  if (uses_adapter(o) && holds_model(out)) {
    throw UsageError(
        "train",
        out.string() +
            " holds a model, and an adapter needs a folder of its own; choose "
            "another with --out.");
  }
}

/** The settings that the method and --alpha stand for. */
inline void settle_method(TuneOptions& o) {
  AdapterConfig& a = o.adapter_config;
  a.dora = o.method == "dora";
  const bool root = o.method == "rslora";
  if (root && o.alpha == 0) {
    o.alpha = 16;
  }
  if (o.alpha < 0 || !std::isfinite(o.alpha)) {
    throw UsageError("options", "expected --alpha greater than 0.");
  }
  if (o.alpha > 0 && a.rank > 0) {
    const auto rank = static_cast<float>(a.rank);
    a.scale = o.alpha / (root ? std::sqrt(rank) : rank);
  }
  if (o.method == "lora+") {
    o.train.optimizer.lora_b_lr_scale = o.lora_plus_ratio;
  }
  if (a.targets == std::vector<std::string>{"all"}) {
    a.targets.clear();
  }
  if (!(o.tune.beta > 0)) {
    throw UsageError("options", "expected --beta greater than 0.");
  }
  if (o.tune.objective == "dpo" && o.tune.packing) {
    throw UsageError(
        "options",
        "expected --packing with --objective sft alone: each answer "
        "of a pair needs a row of its own.");
  }
  a.validate();
}

/** The model with what is to be trained on it. */
inline TunedModel start_model(TuneOptions& o) {
  TunedModel m = load_tuned(o, o.model, "");
  if (o.bits != 0) {
    for (const auto& path : quantize_model(*m.model, o.group_size, o.bits)) {
      std::cerr << "note: " << path << " stays as it is: its rows have no "
                << "whole groups of " << o.group_size << "\n";
    }
  }
  if (uses_adapter(o) && o.adapter.empty()) {
    add_adapters(*m.model, o.adapter_config, o.seed);
  } else if (uses_adapter(o)) { // go on with its own settings
    o.adapter_config = read_adapter_config(o.adapter);
    load_adapters(*m.model, o.adapter);
  } else if (!o.adapter.empty()) {
    load_adapters(*m.model, o.adapter);
    fuse_adapters(*m.model);
  }
  if (o.train.block > m.model->context_length()) {
    throw UsageError(
        "train",
        "expected --max-length of at most the model's context " +
            std::to_string(m.model->context_length()) + " but received " +
            std::to_string(o.train.block) + ".");
  }
  return m;
}

/** What the first lines of adapter_config.json and metrics.jsonl tell. */
inline Json about_run(const TuneOptions& o, const TunedModel& m) {
  Json about = {
      {"model", m.path.string()},
      {"data", o.data},
      {"method", o.method},
      {"objective", o.tune.objective},
      {"mask_prompt", o.mask_prompt},
      {"chat_format", o.chat_format},
      {"max_seq_length", o.train.block},
      {"batch_size", o.train.batch},
      {"iters", o.train.steps},
      {"seed", o.seed}};
  if (uses_adapter(o)) {
    about["lora"] = {
        {"rank", o.adapter_config.rank},
        {"scale", shortest(o.adapter_config.scale)},
        {"dropout", shortest(o.adapter_config.dropout)},
        {"targets", o.adapter_config.targets},
        {"layers", o.adapter_config.layers}};
  }
  return about;
}

inline RunInfo
tune_info(const TuneOptions& o, const TunedModel& m, const InstructionData& d) {
  RunInfo info;
  info.header = about_run(o, m);
  info.data = {
      {"sha256", d.sha256},
      {"weights", weights_sha256(m.path)},
      {"start",
       o.adapter.empty()
           ? ""
           : sha256_hex(safetensors_bytes(read_adapters(o.adapter)))},
      {"bits", o.bits},
      {"group_size", o.group_size},
      {"packing", o.tune.packing},
      {"shuffle", o.tune.shuffle},
      {"count_padding", o.tune.count_padding},
      {"beta", shortest(o.tune.beta)}};
  for (const char* key :
       {"method", "objective", "mask_prompt", "chat_format", "lora"}) {
    if (info.header.contains(key)) {
      info.data[key] = info.header[key];
    }
  }
  info.readme =
      "# A fine-tuned model\n\nMade with MLX LLM Tutorial (C++ on "
      "MLX).\n\n- Base model: " +
      name_of(m) + "\n- Data: " + o.data + "\n- Method: " + o.method + ", " +
      o.tune.objective + "\n- Seed: " + std::to_string(o.seed) + "\n";
  return info;
}

} // namespace llm
