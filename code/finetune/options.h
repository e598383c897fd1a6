// SPDX-License-Identifier: MIT
//
// The command line of finetune_llm: names, meanings and defaults of its
// options. What they do is in llm/ and in the other files of this folder.

#pragma once

#include <string>
#include <vector>

#include "code/options.h"
#include "llm/training/adapters.h"
#include "llm/training/instruction_task.h"
#include "llm/training/train_config.h"

namespace llm {

/** Everything the command line sets. */
struct TuneOptions {
  std::string device;
  int threads = 0;
  bool json = false, offline = false;
  std::string model, adapter, data, out;
  std::string chat_format = "auto";
  uint64_t seed = 1337;
  int max_errors = 1;
  int bits = 0, group_size = 64; ///< bits 0: the weights as they are
  // train
  TrainConfig train;
  AdapterConfig adapter_config;
  TuneConfig tune;
  std::string method = "lora";
  double epochs = 0; ///< 0: as many steps as --steps says
  /// Else these follow from the steps and the learning rate.
  bool min_lr_given = false, warmup_given = false, decay_given = false;
  float alpha = 0; ///< 0: --scale says it
  float lora_plus_ratio = 16;
  bool mask_prompt = true, validate = false;
  bool resume = false, force = false;
  // generate, compare
  std::string prompt, system;
  bool raw = false;
  GenerateOptions generate;
  std::string model_b, adapter_b;
  // evaluate, compare
  std::string split = "test";
  int window = 512, limit = 0;
  bool answers = false;
  // fuse, convert
  bool dequantize = false;
  bool peft = false;
};

inline const std::vector<std::string>& tune_methods() {
  static const std::vector<std::string> names = {
      "lora", "dora", "rslora", "lora+", "last", "full"};
  return names;
}

inline void add_method_options(CLI::App& app, TuneOptions& o) {
  const char* group = "Method";
  app.add_option(
         "--method",
         o.method,
         "lora, dora, rslora (alpha / sqrt(rank)), lora+ (lora_b learns "
         "faster), last (the last --layers), full")
      ->check(CLI::IsMember(tune_methods()))
      ->group(group);
  auto option = [&](const char* name, auto& value, const char* help) {
    app.add_option(name, value, help)->group(group);
  };
  option("--rank", o.adapter_config.rank, "columns of lora_a");
  option("--scale", o.adapter_config.scale, "of what the adapter adds");
  option("--alpha", o.alpha, "instead: scale = alpha / rank, or / sqrt(rank)");
  option("--dropout", o.adapter_config.dropout, "on the adapter's input");
  option("--layers", o.adapter_config.layers, "only the last n; -1: all");
  option("--lora-plus-ratio", o.lora_plus_ratio, "lora+: rate of lora_b");
  option("--quantize", o.bits, "QLoRA: pack the base into 2 to 8 bits");
  option("--group-size", o.group_size, "values that share a scale");
  app.add_option(
         "--targets",
         o.adapter_config.targets,
         "linear layers, * for any letters, all for each of them")
      ->delimiter(',')
      ->group(group);
  app.add_option("--objective", o.tune.objective, "sft: imitate; dpo: prefer")
      ->check(CLI::IsMember({"sft", "dpo"}))
      ->group(group);
  option("--beta", o.tune.beta, "dpo: how near to the model before");
}

inline void add_tune_data_options(CLI::App& app, TuneOptions& o) {
  const char* group = "Data";
  app.add_option("--max-length", o.train.block, "tokens of an example")
      ->group(group);
  app.add_flag(
         "--mask-prompt,!--no-mask-prompt",
         o.mask_prompt,
         "only answers count in the loss")
      ->group(group);
  app.add_flag("--packing", o.tune.packing, "several examples in a row")
      ->group(group);
  app.add_flag("--shuffle,!--no-shuffle", o.tune.shuffle)->group(group);
  app.add_flag(
         "--count-padding",
         o.tune.count_padding,
         "count one padding token an example, as mlx-lm does")
      ->group(group);
  app.add_flag("--validate", o.validate, "only report on the data")
      ->group(group);
}

inline void add_tune_recipe_options(CLI::App& app, TrainConfig& t) {
  const char* group = "Recipe";
  auto option = [&](const char* name, auto& value, const char* help) {
    app.add_option(name, value, help)->group(group);
  };
  option("--steps", t.steps, "updates in all");
  option("--batch", t.batch, "examples in a batch");
  option("--accumulate", t.accumulate, "batches in an update");
  option("--lr", t.schedule.lr, "the highest learning rate");
  option("--min-lr", t.schedule.min_lr, "the last; default: a tenth");
  option("--warmup", t.schedule.warmup, "steps; default: a tenth");
  option("--schedule", t.schedule.name, "constant, linear, cosine, wsd");
  option("--decay-steps", t.schedule.steps, "default: as --steps");
  option("--optimizer", t.optimizer.name, "sgd ... muon");
  option("--beta1", t.optimizer.beta1, "decay of the mean gradient");
  option("--beta2", t.optimizer.beta2, "decay of the mean square");
  option("--eps", t.optimizer.eps, "adam, adamw");
  option("--weight-decay", t.optimizer.weight_decay, "on matrices");
  option("--clip", t.clip, "largest gradient norm, 0: off");
  option("--eval-every", t.eval_every, "0: only at the end");
  option("--eval-batches", t.eval_batches, "of an evaluation while training");
  option("--sample-every", t.sample_every, "0: only at the end");
  option("--checkpoint-every", t.checkpoint_every, "0: only at the end");
  option("--patience", t.patience, "evaluations without a better one; 0: off");
  app.add_flag(
         "--bias-correction,!--no-bias-correction",
         t.optimizer.bias_correction,
         "adam, adamw; mlx-lm's Adam has none")
      ->group(group);
  app.add_flag("--keep-best,!--keep-last", t.keep_best, "what to save")
      ->group(group);
  app.add_flag("--activation-checkpointing", t.activation_checkpointing)
      ->group(group);
  app.add_flag("--bf16,!--no-bf16", t.bfloat16, "compute in bfloat16")
      ->group(group);
}

} // namespace llm
