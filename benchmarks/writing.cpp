// SPDX-License-Identifier: MIT
//
// Ways to write the same text: with a cache and without, in a packed cache,
// many texts side by side, with guesses from the text so far. One way a run;
// prints one line of JSON with its speed and the tokens it wrote.

#include <algorithm>
#include <chrono>
#include <iostream>
#include <iterator>
#include <vector>

#include <mlx/memory.h>
#include <CLI/CLI.hpp>

#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/core/json.h"
#include "llm/core/program.h"
#include "llm/generation/generate.h"
#include "llm/generation/speculative.h"
#include "llm/models/usable_model.h"
#include "llm/nn/backend.h"

namespace llm {

struct Settings {
  std::string model, text;
  int tokens = 64, rows = 1, threads = 0, draft_tokens = 0, repeat = 1;
  std::string device;
  bool cache = true;
  GenerateOptions options = {.slide = false};
};

double seconds_since(std::chrono::steady_clock::time_point begin) {
  const std::chrono::duration<double> passed =
      std::chrono::steady_clock::now() - begin;
  return passed.count();
}

double rate(int tokens, double seconds) {
  return seconds > 0 ? tokens / seconds : 0;
}

/** One text: tokens after the first, a second. */
Json write_one(const UsableModel& use, const Settings& s) {
  PromptLookup lookup;
  GenerateOptions options = s.options;
  options.drafter = s.draft_tokens > 0 ? &lookup : nullptr;
  options.draft_tokens = std::max(1, s.draft_tokens);
  const auto prompt = use.tokenizer->encode(s.text);
  const Generation g = generate(*use.model, *use.tokenizer, prompt, options);
  return {
      {"prompt_tokens", g.prompt_tokens},
      {"prefill_tokens_per_s", rate(g.prompt_tokens, g.prefill_seconds)},
      {"tokens", g.ids},
      {"drafted", g.drafted},
      {"accepted", g.accepted},
      {"tokens_per_s",
       rate(static_cast<int>(g.ids.size()) - 1, g.decode_seconds)}};
}

/** The same prompt in all rows, each with its own seed: tokens of all texts a
 * second, once the first token of each is there. */
Json write_rows(const UsableModel& use, const Settings& s) {
  const std::vector prompts(s.rows, use.tokenizer->encode(s.text));
  std::vector<int> written(s.rows);
  int started = 0, all_written = 0, before = 0;
  auto begin = std::chrono::steady_clock::now();
  const auto count = [&](size_t row, const GeneratedToken&) {
    ++all_written;
    if (written[row]++ == 0 && ++started == s.rows) {
      begin = std::chrono::steady_clock::now();
      before = all_written;
    }
    return true;
  };
  const auto start = begin;
  const auto all = generate_batch(
      *use.model, *use.tokenizer, prompts, s.options, count, s.rows);
  const std::chrono::duration<double> read = begin - start;
  return {
      {"prompt_tokens", all[0].prompt_tokens},
      {"prefill_tokens_per_s",
       rate(s.rows * all[0].prompt_tokens, read.count())},
      {"tokens", all[0].ids},
      {"tokens_per_s", rate(all_written - before, seconds_since(begin))}};
}

int run(Settings s) {
  start_mlx(s.device, s.threads);
  const UsableModel use = load_usable(s.model);
  s.text = read_file(s.text);
  s.options.max_tokens = s.tokens;
  s.options.use_cache = s.cache;
  const auto write = [&] {
    return s.rows > 1 ? write_rows(use, s) : write_one(use, s);
  };
  std::vector<Json> found = {write()};
  if (s.repeat > 1) { // the first does not count
    found.clear();
    std::generate_n(std::back_inserter(found), s.repeat - 1, write);
  }
  const auto middle = found.begin() + found.size() / 2;
  std::nth_element(
      found.begin(), middle, found.end(), [](const Json& a, const Json& b) {
        return a.at("tokens_per_s") < b.at("tokens_per_s");
      });
  Json said = *middle;
  said["memory_bytes"] = device_name() == "gpu"
      ? static_cast<int64_t>(mlx::core::get_peak_memory())
      : peak_memory_bytes();
  std::cout << said.dump() << "\n";
  return 0;
}

} // namespace llm

int main(int argc, char** argv) {
  return llm::run_program("writing", [&] {
    llm::Settings s;
    CLI::App app{"Write a text in one of several ways, timed."};
    const auto positive = CLI::Range(1, 1 << 20);
    app.add_option("--model", s.model, "folder or GGUF file")->required();
    app.add_option("--text", s.text, "file with the prompt")->required();
    app.add_option("--tokens", s.tokens, "to write")->check(positive);
    app.add_option("--rows", s.rows, "side by side")->check(positive);
    app.add_option("--draft-tokens", s.draft_tokens, "guesses; 0: none");
    app.add_option("--temperature", s.options.sampling.temperature);
    app.add_option("--cache-bits", s.options.cache.bits, "8 or 4; 0: all");
    app.add_flag("--no-cache{false}", s.cache, "read all for each token");
    app.add_option(
           "--repeat", s.repeat, "times; the median after the first counts")
        ->check(positive);
    app.add_option("--device", s.device, llm::device_help);
    app.add_option("--threads", s.threads)->check(CLI::Range(0, 1024));
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& help) {
      return app.exit(help);
    } catch (const CLI::ParseError& error) {
      throw llm::UsageError(
          "options", std::string(error.what()) + "; see --help.");
    }
    return llm::run(s);
  });
}
