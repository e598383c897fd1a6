// SPDX-License-Identifier: MIT
//
// Loads a corpus as the programs do, for tests of downloads:
//   corpus_tool NAME HOME [offline]            load_corpus
//   corpus_tool get URL TARGET SHA256 BYTES    download
// Prints name, size and sha256 on standard output; errors exit with their code.

#include <iostream>
#include <string>
#include <vector>

#include "llm/core/error.h"
#include "llm/data/corpus.h"
#include "llm/data/download.h"

namespace {

void say(const std::string& line) {
  std::cerr << line << std::endl;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 5 && arguments[0] == "get") {
    llm::download(
        {arguments[1], arguments[2], arguments[3], std::stoll(arguments[4])},
        say);
    std::cout << "done\n";
    return 0;
  }
  if (arguments.size() < 2) {
    std::cerr << "corpus_tool NAME HOME [offline]\n";
    return 2;
  }
  llm::CorpusOptions options;
  options.home = arguments[1];
  options.offline = arguments.size() > 2 && arguments[2] == "offline";
  options.say = say;
  const auto corpus = llm::load_corpus(arguments[0], options);
  std::cout << corpus.name << ' ' << corpus.text.size() << ' ' << corpus.sha256
            << '\n';
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const llm::Error& error) {
    std::cerr << error.what() << '\n';
    return static_cast<int>(error.code());
  }
}
