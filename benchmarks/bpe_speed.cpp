// SPDX-License-Identifier: MIT
//
// The time of our byte-pair encoding, on one thread: `encode` reads a
// tokenizer.json and encodes a text, `train` learns one from a text. Prints one
// line of JSON; the hash of the ids, or of the merges, lets bpe.py see that
// others agree.

#include <chrono>
#include <functional>
#include <iostream>

#include <CLI/CLI.hpp>

#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/core/program.h"
#include "llm/core/sha256.h"
#include "llm/tokenizers/bpe.h"

namespace llm {

struct Settings {
  std::string tokenizer, text, out;
  int repeats = 5, vocab_size = 4096;
};

/** Seconds of each call of `work`. */
std::vector<double> time(int repeats, const std::function<void()>& work) {
  std::vector<double> out;
  for (int i = 0; i < repeats; ++i) {
    const auto start = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> time =
        std::chrono::steady_clock::now() - start;
    out.push_back(time.count());
  }
  return out;
}

/** Of the words joined by commas: every language can write that. */
std::string sha256_of(const std::vector<std::string>& words) {
  Sha256 hash;
  for (size_t i = 0; i < words.size(); ++i) {
    hash.update((i == 0 ? "" : ",") + words[i]);
  }
  return hash.hex();
}

Json encode(const Settings& s) {
  const std::string text = read_file(s.text);
  const auto tokenizer = load_tokenizer(s.tokenizer);
  std::vector<int32_t> ids = tokenizer->encode(text); // warms up
  const std::vector<double> seconds =
      time(s.repeats, [&] { ids = tokenizer->encode(text); });
  std::vector<std::string> words;
  for (const int32_t id : ids) {
    words.push_back(std::to_string(id));
  }
  return {
      {"seconds", seconds},
      {"tokens", words.size()},
      {"sha256", sha256_of(words)}};
}

Json train(const Settings& s) {
  const std::string text = read_file(s.text);
  std::optional<BpeTokenizer> tokenizer;
  const std::vector<double> seconds = time(s.repeats, [&] {
    tokenizer = BpeTokenizer::train(text, {.vocab_size = s.vocab_size});
  });
  if (!s.out.empty()) {
    save_tokenizer(*tokenizer, s.out);
  }
  std::vector<std::string> words;
  for (const BpeMerge& merge : tokenizer->merges()) {
    words.push_back(
        tokenizer->token(merge.left) + " " + tokenizer->token(merge.right));
  }
  return {
      {"seconds", seconds},
      {"tokens", words.size()},
      {"sha256", sha256_of(words)}};
}

} // namespace llm

int main(int argc, char** argv) {
  return llm::run_program("bpe_speed", [&] {
    llm::Settings s;
    CLI::App app{"Time byte-pair encoding."};
    app.require_subcommand(1);
    CLI::App& encode = *app.add_subcommand("encode", "a text");
    encode.add_option("--tokenizer", s.tokenizer, "tokenizer.json")->required();
    CLI::App& train = *app.add_subcommand("train", "learn merges");
    train.add_option("--vocab-size", s.vocab_size)
        ->check(CLI::Range(1, 1000000));
    train.add_option("--out", s.out, "folder for tokenizer.json");
    for (CLI::App* command : {&encode, &train}) {
      command->add_option("--text", s.text, "file")->required();
      command->add_option("--repeats", s.repeats)->check(CLI::Range(1, 1000));
    }
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& help) {
      return app.exit(help);
    } catch (const CLI::ParseError& error) {
      throw llm::UsageError(
          "options", std::string(error.what()) + "; see --help.");
    }
    const llm::Json said = encode.parsed() ? llm::encode(s) : llm::train(s);
    std::cout << said.dump() << "\n";
    return 0;
  });
}
