// SPDX-License-Identifier: MIT
//
// Corpora by name and by path, and what is refused. Downloads are tested in
// tests/python/test_download.py.

#include <doctest/doctest.h>

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "llm/core/error.h"
#include "llm/data/corpus.h"

using namespace llm;
namespace fs = std::filesystem;

namespace {

// A folder that is removed at the end.
struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "corpus-XXXXXX").string();
    path = mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  std::string file(const std::string& name, const std::string& text) const {
    fs::create_directories((path / name).parent_path());
    std::ofstream(path / name, std::ios::binary) << text;
    return (path / name).string();
  }
};

std::string repeat(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; i++) {
    all += text;
  }
  return all;
}

// The message of the error that loading throws.
template <class Expected>
std::string message(
    const std::string& name,
    const CorpusOptions& options = {}) {
  try {
    load_corpus(name, options);
  } catch (const Expected& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("corpus: tiny-tales has its own validation text") {
  const auto corpus = load_corpus("tiny-tales");
  CHECK(corpus.generated);
  CHECK(corpus.license == "MIT");
  CHECK(corpus.text == corpus.split.train + corpus.split.val);
  CHECK(corpus.split.val.size() > 50000);
  CHECK(corpus.sha256.size() == 64);
  CorpusOptions other;
  other.seed = 2;
  CHECK(load_corpus("tiny-tales", other).sha256 != corpus.sha256);
}

TEST_CASE("corpus: a file is read as it is and split at 90 %") {
  const Folder folder;
  const auto text = repeat("Grün ist schön.\n", 20); // 16 characters
  const auto corpus = load_corpus(folder.file("a.text", text));
  CHECK(corpus.text == text);
  CHECK(corpus.split.train + corpus.split.val == text);
  CHECK(corpus.split.val == repeat("Grün ist schön.\n", 2));
  CHECK(corpus.files.size() == 1);
  CHECK(!corpus.generated);
}

TEST_CASE("corpus: a folder is all *.txt and *.md, sorted, joined") {
  const Folder folder;
  folder.file("b.txt", repeat("b", 100));
  folder.file("a/z.md", repeat("a", 100));
  folder.file("a/skip.json", "{}");
  const auto corpus = load_corpus(folder.path.string());
  CHECK(corpus.text == repeat("a", 100) + "\n\n" + repeat("b", 100));
  CHECK(corpus.files.size() == 2);
  const Folder empty;
  CHECK(contains(message<InputError>(empty.path.string()), "*.txt or *.md"));
}

TEST_CASE("corpus: what cannot be used is named") {
  const Folder folder;
  CHECK(contains(
      message<UsageError>("tiny-tails"), "expected tiny-tales, tiny-shake"));
  CHECK(!message<UsageError>("").empty());
  const auto empty = folder.file("empty.txt", "");
  CHECK(contains(message<InputError>(empty), "received 0"));
  const auto small = folder.file("short.txt", repeat("é", 99));
  CHECK(contains(message<InputError>(small), "at least 100 characters"));
  CHECK(contains(message<InputError>(small), "received 99"));
  const auto broken =
      folder.file("broken.txt", repeat("fine\n", 40) + "ab\xff\n");
  CHECK(contains(
      message<InputError>(broken), broken + ":41:3: invalid start byte"));
  CHECK(!contains(message<InputError>(broken), "\n"));
  const auto pipe = (folder.path / "pipe").string();
  REQUIRE(mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(!message<Error>(pipe).empty()); // and no waiting
}

TEST_CASE("corpus: offline without the file says where to put it") {
  const char* folder = std::getenv("MLX_TUTORIAL_DATA");
  const std::string kept = folder == nullptr ? "" : folder;
  unsetenv("MLX_TUTORIAL_DATA");
  const Folder home;
  CorpusOptions options;
  options.home = home.path;
  options.offline = true;
  const auto text = message<InputError>("tiny-shakespeare", options);
  CHECK(contains(text, (home.path / "data/tiny-shakespeare.txt").string()));
  CHECK(contains(text, "offline"));
  home.file("data/tiny-shakespeare.txt", repeat("not it ", 50));
  CHECK(contains(
      message<InputError>("tiny-shakespeare", options),
      "expected sha256 86c4"));
  if (!kept.empty()) {
    setenv("MLX_TUTORIAL_DATA", kept.c_str(), 1);
  }
}

TEST_CASE("corpus: tiny-shakespeare from the data folder") {
  if (std::getenv("MLX_TUTORIAL_DATA") == nullptr) {
    MESSAGE("NOT RUN: set MLX_TUTORIAL_DATA to the folder of the corpora");
    return;
  }
  const Folder home; // nothing cached there
  CorpusOptions options;
  options.home = home.path;
  options.offline = true;
  const auto corpus = load_corpus("tiny-shakespeare", options);
  CHECK(corpus.text.size() == 1115394);
  CHECK(corpus.split.train.size() == 1003854);
  CHECK(corpus.split.val.size() == 111540);
  CHECK(corpus.sha256.substr(0, 8) == "86c4e6aa");
}
