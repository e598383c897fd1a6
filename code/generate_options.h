// SPDX-License-Identifier: MIT
//
// The command line of generate: names, meanings and checks of its options.

#pragma once

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

#include "code/options.h"
#include "llm/core/error.h"
#include "llm/generation/generate.h"
#include "llm/generation/stop_filter.h"

namespace llm {

/** Everything the command line sets. */
struct WriterOptions {
  std::string device;
  int threads = 0;
  bool json = false, offline = false;
  std::string model, draft_model;
  // what to write after
  std::optional<std::string> prompt;
  std::string system, prompts_file, tokenize_file;
  bool raw = false, ignore_eos = false;
  // how
  GenerateOptions generate;
  std::string grammar_file, schema_file, prompt_cache;
  bool prompt_lookup = false;
  int rows = 16;
};

inline void add_input_options(CLI::App& app, WriterOptions& o) {
  app.add_option(
      "--model", o.model, "folder, or name in models/; default: latest");
  app.add_option("--prompt", o.prompt, "one text; without it: a conversation");
  app.add_option("--system", o.system, "how the model should behave");
  app.add_flag("--raw", o.raw, "no chat format: go on with the prompt itself");
  app.add_option(
      "--prompts", o.prompts_file, "many at once: a JSON list, or lines");
  app.add_option("--rows", o.rows, "of --prompts side by side");
  app.add_option(
      "--tokenize-file", o.tokenize_file, "a JSON list of texts: their tokens");
}

inline void add_output_options(CLI::App& app, WriterOptions& o) {
  GenerateOptions& g = o.generate;
  app.add_option("--max-tokens", g.max_tokens, "at most");
  app.add_option("--stop", g.stop, "texts that end it");
  app.add_flag("--ignore-eos", o.ignore_eos, "go on after an end token");
  add_seed_option(app, g.sampling.seed);
  add_sampling_options(app, g.sampling);
  app.add_option("--grammar", o.grammar_file, "a grammar for the output");
  app.add_option("--json-schema", o.schema_file, "the output is such JSON")
      ->excludes("--grammar");
  app.add_option(
      "--top-logprobs", g.top_logprobs, "with --json: the likeliest");
}

inline void add_speed_options(CLI::App& app, WriterOptions& o) {
  GenerateOptions& g = o.generate;
  app.add_option("--draft-model", o.draft_model, "a small one that guesses");
  app.add_flag("--prompt-lookup", o.prompt_lookup, "guess from the text so far")
      ->excludes("--draft-model");
  app.add_option("--draft-tokens", g.draft_tokens, "guesses at a time");
  app.add_option("--cache-bits", g.cache.bits, "8 or 4: a smaller cache");
  app.add_option("--max-kv-size", g.cache.window, "positions that are kept");
  app.add_option(
      "--prompt-cache", o.prompt_cache, "file to keep what was read");
  app.add_option("--prefill-chunk", g.prefill_chunk, "tokens read at once");
  app.add_option("--device", o.device, device_help);
  app.add_option("--threads", o.threads, "of BLAS; 0: all cores");
  app.add_flag("--json", o.json, "print one line of JSON only");
  app.add_flag("--offline", o.offline, "never use the network");
}

inline void check_range(const char* name, int value, int low, int high) {
  if (value < low || value > high) {
    throw UsageError(
        "options",
        std::string("expected ") + name + " from " + std::to_string(low) +
            " to " + std::to_string(high) + " but received " +
            std::to_string(value) + ".");
  }
}

/** UsageError for what is out of range or does not go together. */
inline void check(const WriterOptions& o) {
  const GenerateOptions& g = o.generate;
  make_chain(g.sampling);
  StopFilter{g.stop};
  check_range("--max-tokens", g.max_tokens, 0, 1 << 24);
  check_range("--top-logprobs", g.top_logprobs, 0, 100);
  check_range("--draft-tokens", g.draft_tokens, 1, 64);
  check_range("--max-kv-size", g.cache.window, 0, 1 << 24);
  check_range("--prefill-chunk", g.prefill_chunk, 1, 1 << 16);
  check_range("--rows", o.rows, 1, 4096);
  if (g.cache.bits != 0 && g.cache.bits != 4 && g.cache.bits != 8) {
    throw UsageError(
        "options",
        "expected --cache-bits 4 or 8 but received " +
            std::to_string(g.cache.bits) +
            "; leave it out for full precision.");
  }
  const bool drafts = o.prompt_lookup || !o.draft_model.empty();
  const bool batch = !o.prompts_file.empty();
  if (batch && (o.prompt || drafts || !o.prompt_cache.empty())) {
    throw UsageError(
        "options",
        "expected --prompts without --prompt, --draft-model, --prompt-lookup "
        "and --prompt-cache; these are for one text.");
  }
  if (o.json && !o.prompt && !batch && o.tokenize_file.empty()) {
    throw UsageError(
        "options",
        "expected --json with --prompt, --prompts or --tokenize-file; a "
        "conversation prints text.");
  }
}

/** Parses and checks; false when help was printed. */
inline bool parse(WriterOptions& o, int argc, char** argv, int& code) {
  CLI::App app{"Write with a language model: one text, many, or a talk."};
  app.option_defaults()->always_capture_default();
  app.failure_message(CLI::FailureMessage::simple);
  add_input_options(app, o);
  add_output_options(app, o);
  add_speed_options(app, o);
  app.footer(
      "Examples:\n"
      "  generate --model smollm2                     a conversation\n"
      "  generate --prompt \"Why is the sky blue?\" --temperature 0\n"
      "  generate --raw --prompt \"Once upon\" --json   for scripts\n"
      "  generate --prompt \"Invent a person.\" --json-schema person.json\n"
      "  generate --prompts questions.txt --max-tokens 50");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    code = app.exit(help);
    return false;
  } catch (const CLI::ParseError& error) {
    throw UsageError(
        "options", std::string(error.what()) + " (generate --help)");
  }
  check(o);
  return true;
}

} // namespace llm
