// SPDX-License-Identifier: MIT
//
// The commands of finetune_llm: parses, starts MLX, runs the one that was
// named. A wrong option is a UsageError, so it ends like every other error.

#pragma once

#include <functional>
#include <string>

#include "code/finetune/options.h"
#include "llm/training/instruction_task.h"

namespace llm {

class TuneCommandLine {
 public:
  TuneCommandLine(TuneOptions& options, int argc, char** argv)
      : o_(options), argc_(argc), argv_(argv) {
    o_.train = tune_defaults();
    app_.require_subcommand(1);
    app_.failure_message(CLI::FailureMessage::simple);
  }

  void add(
      const std::string& name,
      const std::string& help,
      int (*run)(TuneOptions&)) {
    CLI::App* command = app_.add_subcommand(name, help);
    command->option_defaults()->always_capture_default();
    command->final_callback([this, run] { run_ = run; });
    command->add_option(
        "--model", o_.model, "folder, or name in models/; default: latest");
    command->add_option("--adapter", o_.adapter, "folder of an adapter");
    if (name == "train") {
      add_train(*command);
    } else if (name == "generate") {
      add_generate(*command);
    } else if (name == "evaluate") {
      add_evaluate(*command);
    } else if (name == "compare") {
      add_compare(*command);
    } else {
      add_save(*command, name);
    }
    command->add_option(
        "--chat-format", o_.chat_format, "auto, chatml or plain");
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
          "options", std::string(error.what()) + " (finetune_llm --help)");
    }
    start_mlx(o_.device, o_.threads);
    if (train_ != nullptr && train_->count("--bf16") == 0) {
      o_.train.bfloat16 = device_name() == "gpu";
    }
    o_.generate.sampling.seed = o_.seed;
    return run_(o_);
  }

 private:
  void add_data(CLI::App& app, const char* help) {
    app.add_option("--data", o_.data, help)->required();
    app.add_option("--max-errors", o_.max_errors, "of the data, to list");
  }

  void add_train(CLI::App& app) {
    add_data(app, "JSON or JSONL file, or folder with train.jsonl");
    app.add_option("--out", o_.out, "default: a new folder in models/");
    app.add_option("--seed", o_.seed, "same seed, same result");
    app.add_option("--epochs", o_.epochs, "instead of --steps");
    app.add_option("--prompt", o_.prompt, "asked at each sample");
    app.add_flag("--resume", o_.resume, "go on from the newest checkpoint");
    app.add_flag("--force", o_.force, "resume although settings differ");
    add_method_options(app, o_);
    add_tune_data_options(app, o_);
    add_tune_recipe_options(app, o_.train);
    train_ = &app;
    app.parse_complete_callback([this, &app] {
      o_.min_lr_given = app.count("--min-lr") > 0;
      o_.warmup_given = app.count("--warmup") > 0;
      o_.decay_given = app.count("--decay-steps") > 0;
    });
    app.footer(
        "Examples:\n"
        "  finetune_llm train --model smollm2 --data code/sample_dataset.json\n"
        "  finetune_llm train --model M --data my.jsonl --validate\n"
        "  finetune_llm train --model M --data D --method dora --quantize 4\n"
        "  finetune_llm train --model M --adapter A --objective dpo \\\n"
        "      --data code/sample_preferences.json --lr 5e-5\n"
        "  finetune_llm train --model M --data D --out DIR --resume");
  }

  void add_answer_options(CLI::App& app) {
    app.add_option("--max-tokens", o_.generate.max_tokens);
    app.add_option("--system", o_.system, "text of a system message");
    app.add_option("--stop", o_.generate.stop, "texts that end an answer");
    app.add_option("--seed", o_.seed, "same seed, same answers");
    app.add_flag("--raw", o_.raw, "the prompt as it is: no chat format");
    o_.generate.sampling.temperature = 0;
    o_.generate.max_tokens = 128;
    add_sampling_options(app, o_.generate.sampling);
  }

  void add_generate(CLI::App& app) {
    app.add_option("--prompt", o_.prompt, "what to answer")->required();
    add_answer_options(app);
    app.footer(
        "Examples:\n"
        "  finetune_llm generate --model M --adapter A --prompt \"Hello\"");
  }

  void add_evaluate(CLI::App& app) {
    add_data(
        app,
        "examples (JSON, JSONL, folder), questions with choices (JSONL), or "
        "any other file: text");
    app.add_option("--split", o_.split, "train, validation, test or all");
    app.add_option("--limit", o_.limit, "examples at most; 0: all");
    app.add_option("--window", o_.window, "tokens that are read at once");
    app.add_option("--batch", o_.train.batch, "examples in a batch");
    app.add_flag("--mask-prompt,!--no-mask-prompt", o_.mask_prompt);
    app.add_flag("--answers", o_.answers, "also write answers: exact match");
    add_answer_options(app);
    app.footer(
        "Examples:\n"
        "  finetune_llm evaluate --model M --data text.txt --json\n"
        "  finetune_llm evaluate --model M --adapter A --data D --answers\n"
        "  finetune_llm evaluate --model M --data hellaswag.jsonl");
  }

  void add_compare(CLI::App& app) {
    add_data(app, "examples whose prompts both answer");
    app.add_option("--model-b", o_.model_b, "the second; default: --model");
    app.add_option("--adapter-b", o_.adapter_b, "of the second; none: none");
    app.add_option("--out", o_.out, "folder for compare.md, compare.json")
        ->required();
    app.add_option("--split", o_.split, "train, validation, test or all");
    app.add_option("--limit", o_.limit, "prompts at most; 0: all");
    app.add_option("--max-length", o_.window, "tokens of an example");
    app.add_option("--batch", o_.train.batch, "examples in a batch");
    add_answer_options(app);
    app.footer(
        "Examples:\n"
        "  finetune_llm compare --model M --adapter-b A --data D --out DIR");
  }

  void add_save(CLI::App& app, const std::string& name) {
    app.add_option("--out", o_.out, "folder of the new model")->required();
    app.add_flag("--dequantize", o_.dequantize, "unpack the weights");
    if (name == "fuse") {
      app.add_flag(
          "--peft", o_.peft, "write the adapter for PEFT into --out instead");
      app.footer(
          "Examples:\n"
          "  finetune_llm fuse --model M --adapter A --out DIR\n"
          "  finetune_llm fuse --model M --adapter A --peft --out DIR");
    } else {
      app.add_option("--quantize", o_.bits, "2, 3, 4, 5, 6 or 8 bits");
      app.add_option("--group-size", o_.group_size, "32, 64 or 128");
      app.footer(
          "Examples:\n"
          "  finetune_llm convert --model M.gguf --out DIR\n"
          "  finetune_llm convert --model M --quantize 4 --out DIR");
    }
  }

  TuneOptions& o_;
  int argc_;
  char** argv_;
  CLI::App app_{"Fine-tune a language model and judge it."};
  CLI::App* train_ = nullptr;
  int (*run_)(TuneOptions&) = nullptr;
};

} // namespace llm
