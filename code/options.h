// SPDX-License-Identifier: MIT
//
// The command line of simple_llm: names, meanings and defaults of its options.
// What they do is in llm/.

#pragma once

#include <algorithm>
#include <string>

#include <CLI/CLI.hpp>

#include "llm/core/error.h"
#include "llm/generation/generate.h"
#include "llm/nn/backend.h"
#include "llm/training/presets.h"

namespace llm {

/** Everything the command line sets. */
struct Options {
  std::string device;
  int threads = 0;
  bool json = false, offline = false;
  std::string data, out, model;
  uint64_t seed = 1337;
  // train
  std::string preset_name = "tiny";
  Preset preset;
  bool resume = false, force = false;
  // sample
  std::string prompt;
  GenerateOptions generate;
  bool show_chain = false;
  // eval, text
  std::string split = "val";
};

inline void add_seed_option(CLI::App& app, uint64_t& seed) {
  const auto digits = [](const std::string& text) -> std::string {
    const bool fits = !text.empty() && text.size() <= 19 &&
        text.find_first_not_of("0123456789") == std::string::npos;
    return fits
        ? ""
        : "expected a whole number from 0 to 10^19 - 1 but received " + text;
  };
  app.add_option("--seed", seed, "same seed, same result")
      ->check(CLI::Validator(
          std::function<std::string(std::string&)>(digits), "NUMBER"));
}

inline void add_sampling_options(CLI::App& app, SamplingConfig& s) {
  app.add_option("--temperature", s.temperature, "0: always the likeliest");
  app.add_option("--top-k", s.top_k, "keep the k likeliest, 0: off");
  app.add_option("--top-p", s.top_p, "keep this much probability, 1: off");
  app.add_option("--min-p", s.min_p, "part of the best one's, 0: off");
  app.add_option("--typical-p", s.typical_p, "locally typical, 1: off");
  app.add_option("--repetition-penalty", s.repetition_penalty, "1: off");
  app.add_option("--frequency-penalty", s.frequency_penalty, "0: off");
  app.add_option("--presence-penalty", s.presence_penalty, "0: off");
}

inline void add_model_options(CLI::App& app, ModelShape& m) {
  const char* group = "Model";
  app.add_option("--architecture", m.architecture, "gpt2, llama or qwen3")
      ->group(group);
  app.add_option("--layers", m.layers)->group(group);
  app.add_option("--heads", m.heads, "divides the width")->group(group);
  app.add_option("--kv-heads", m.kv_heads, "llama, qwen3")->group(group);
  app.add_option("--width", m.width)->group(group);
  app.add_option("--mlp-width", m.mlp_width, "llama, qwen3")->group(group);
  app.add_option("--activation", m.activation, "gelu, gelu_new, relu, silu")
      ->group(group);
  app.add_flag("--bias,!--no-bias", m.bias, "gpt2")->group(group);
  app.add_option("--dropout", m.dropout, "of each layer")->group(group);
}

inline void add_recipe_options(CLI::App& app, TrainConfig& t) {
  const char* group = "Recipe";
  auto option = [&](const char* name, auto& value, const char* help) {
    app.add_option(name, value, help)->group(group);
  };
  option("--steps", t.steps, "updates in all");
  option("--batch", t.batch, "windows in a batch");
  option("--block", t.block, "tokens in a window: the model's context");
  option("--short-every", t.short_every, "a batch of short windows; 0: never");
  option(
      "--short-block",
      t.short_block,
      "tokens in a short window; default: block / 8");
  option("--accumulate", t.accumulate, "batches in an update");
  option("--lr", t.schedule.lr, "the highest learning rate");
  option("--min-lr", t.schedule.min_lr, "the last learning rate");
  option("--warmup", t.schedule.warmup, "steps of warm-up");
  option("--schedule", t.schedule.name, "constant, linear, cosine, wsd");
  option("--decay-steps", t.schedule.steps, "default: as --steps");
  option("--decay-fraction", t.schedule.decay_fraction, "wsd");
  option("--optimizer", t.optimizer.name, "sgd ... muon");
  option("--beta1", t.optimizer.beta1, "decay of the mean gradient");
  option("--beta2", t.optimizer.beta2, "decay of the mean square");
  option("--momentum", t.optimizer.momentum, "momentum, muon");
  option("--eps", t.optimizer.eps, "adam, adamw");
  option("--weight-decay", t.optimizer.weight_decay, "on matrices");
  option("--adamw-lr-scale", t.optimizer.adamw_lr_scale, "muon: beside it");
  option("--newton-schulz", t.optimizer.newton_schulz_steps, "muon: steps");
  option("--clip", t.clip, "largest gradient norm, 0: off");
  option("--eval-every", t.eval_every, "0: only at the end");
  option("--eval-batches", t.eval_batches, "of a sampled evaluation");
  option("--sample-every", t.sample_every, "0: only at the end");
  option("--checkpoint-every", t.checkpoint_every, "0: only at the end");
  option("--patience", t.patience, "evaluations without a better one; 0: off");
  app.add_flag("--nesterov", t.optimizer.nesterov, "momentum: look ahead")
      ->group(group);
  app.add_flag("--keep-best,!--keep-last", t.keep_best, "the model to save")
      ->group(group);
  app.add_flag("--activation-checkpointing", t.activation_checkpointing)
      ->group(group);
  app.add_flag(
         "--bf16,!--no-bf16",
         t.bfloat16,
         "compute in bfloat16; default: on a gpu, and as the preset says")
      ->group(group);
}

/** The value of `name` on the command line before it is parsed: a preset sets
 * the defaults of the other options. */
inline std::string
peek(int argc, char** argv, const std::string& name, std::string fallback) {
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == name && i + 1 < argc) {
      return argv[i + 1];
    }
    if (argument.starts_with(name + "=")) {
      return argument.substr(name.size() + 1);
    }
  }
  return fallback;
}

/** The commands of a program: parses, starts MLX, runs the one that was named.
 * A wrong option is a UsageError, so it ends like every other error. */
class CommandLine {
 public:
  CommandLine(Options& options, int argc, char** argv)
      : o_(options), argc_(argc), argv_(argv) {
    app_.require_subcommand(1);
    app_.failure_message(CLI::FailureMessage::simple);
  }

  void
  add(const std::string& name, const std::string& help, int (*run)(Options&)) {
    CLI::App* command = app_.add_subcommand(name, help);
    command->option_defaults()->always_capture_default();
    command->final_callback([this, run] { run_ = run; });
    if (name == "train") {
      add_train(*command);
    } else if (name == "sample") {
      add_sample(*command);
    } else if (name == "eval") {
      command->add_option("--data", o_.data, "default: as it was trained on");
      add_split(*command);
      command->footer("  simple_llm eval --split val --json");
    } else if (name == "ngram" || name == "text") {
      command->add_option(
          "--data", o_.data, "corpus name, text file or folder");
      command->footer("  simple_llm ngram --data tiny-shakespeare");
    }
    if (name == "text") {
      add_split(*command)->required();
      command->footer("  simple_llm text --split train > train.txt");
    }
    if (name != "train" && name != "ngram" && name != "text") {
      command->add_option(
          "--model", o_.model, "folder, or name in models/; default: latest");
    }
    command->add_option("--device", o_.device, device_help);
    command->add_option("--threads", o_.threads, "of BLAS; 0: all cores");
    command->add_flag("--json", o_.json, "end with one line of JSON");
    command->add_flag("--offline", o_.offline, "never use the network");
  }

  int run() {
    try {
      app_.parse(argc_, argv_);
    } catch (const CLI::Success& help) {
      return app_.exit(help);
    } catch (const CLI::ParseError& error) {
      throw UsageError(
          "options", std::string(error.what()) + " (simple_llm --help)");
    }
    start_mlx(o_.device, o_.threads);
    if (train_ != nullptr && train_->count("--bf16") == 0) {
      TrainConfig& config = o_.preset.train;
      config.bfloat16 = computes_in_bfloat16(config);
    }
    return run_(o_);
  }

 private:
  void add_train(CLI::App& app) {
    o_.preset_name = peek(argc_, argv_, "--preset", "tiny");
    o_.preset = preset(o_.preset_name);
    const int preset_steps = o_.preset.train.steps;
    app.add_option("--preset", o_.preset_name, "tiny, nano or shakespeare");
    app.add_option("--data", o_.data, "corpus name, text file or folder");
    app.add_option("--out", o_.out, "default: a new folder in models/");
    add_seed_option(app, o_.seed);
    app.add_flag("--resume", o_.resume, "go on from the newest checkpoint");
    app.add_flag("--force", o_.force, "resume although settings differ");
    app.add_option("--tokenizer", o_.preset.tokenizer, "char or bpe");
    app.add_option("--vocab-size", o_.preset.bpe_vocab_size, "of bpe");
    add_model_options(app, o_.preset.model);
    add_recipe_options(app, o_.preset.train);
    train_ = &app;
    app.footer(
        "Examples:\n"
        "  simple_llm train                         stories, in minutes\n"
        "  simple_llm train --data my.txt --steps 500\n"
        "  simple_llm train --preset nano           nanoGPT on Shakespeare\n"
        "  simple_llm train --out DIR --resume      go on after Ctrl-C");
    app.parse_complete_callback([this, &app, preset_steps] {
      TrainConfig& t = o_.preset.train;
      if (app.count("--decay-steps") == 0 && t.steps != preset_steps) {
        t.set_steps(t.steps);
      }
      if (app.count("--block") > 0 && app.count("--short-block") == 0) {
        const int short_every = t.short_every;
        t.set_block(t.block);
        if (app.count("--short-every") > 0) {
          t.short_every = short_every;
        }
      }
    });
  }

  CLI::Option* add_split(CLI::App& app) {
    return app.add_option("--split", o_.split, "train, val or all")
        ->check(CLI::IsMember({"train", "val", "all"}));
  }

  void add_sample(CLI::App& app) {
    app.add_option("--prompt", o_.prompt, "text to go on from");
    app.add_option("--max-tokens", o_.generate.max_tokens);
    add_seed_option(app, o_.seed);
    app.add_option("--stop", o_.generate.stop, "texts that end it");
    app.add_flag("--no-cache{false}", o_.generate.use_cache, "slow and equal");
    app.add_flag("--show-chain", o_.show_chain, "list the sampler's stages");
    add_sampling_options(app, o_.generate.sampling);
    app.footer(
        "Examples:\n"
        "  simple_llm sample --prompt \"One day\" --temperature 0.7\n"
        "  simple_llm sample --model DIR --top-k 5 --show-chain");
  }

  Options& o_;
  int argc_;
  char** argv_;
  CLI::App app_{"Train and use a small language model."};
  CLI::App* train_ = nullptr;
  int (*run_)(Options&) = nullptr;
};

} // namespace llm
