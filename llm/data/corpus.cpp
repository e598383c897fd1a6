// SPDX-License-Identifier: MIT
//
// Where each corpus comes from, and the checks every text passes.

#include "llm/data/corpus.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <system_error>

#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/core/sha256.h"
#include "llm/core/utf8.h"
#include "llm/data/download.h"
#include "llm/data/tiny_tales.h"

namespace llm {
namespace {

namespace fs = std::filesystem;

constexpr size_t least_characters = 100; // fewer teach nothing
constexpr const char* shakespeare_sha256 =
    "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed";
constexpr int64_t shakespeare_bytes = 1115394;
constexpr const char* shakespeare_file = "tiny-shakespeare.txt";
constexpr const char* public_data =
    "https://raw.githubusercontent.com/karpathy/char-rnn/master/data";

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

fs::path home_folder(const CorpusOptions& options) {
  if (!options.home.empty()) {
    return options.home;
  }
  if (const auto home = environment("MLX_TUTORIAL_HOME"); !home.empty()) {
    return home;
  }
  return fs::path(environment("HOME")) / "ai-training";
}

// The text of one file, checked to be UTF-8.
std::string read_text(const fs::path& path) {
  auto text = read_file(path);
  if (const auto error = find_utf8_error(text)) {
    const auto at = text_position(text, error->offset);
    throw InputError(
        "Corpus",
        path.string() + ":" + std::to_string(at.line) + ":" +
            std::to_string(at.column) + ": " + error->reason +
            "; expected UTF-8: save the file as UTF-8.");
  }
  return text;
}

void check_length(const std::string& name, const std::string& text) {
  const auto characters =
      static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
      }));
  if (characters < least_characters) {
    throw InputError(
        "Corpus",
        name + ": expected at least " + std::to_string(least_characters) +
            " characters but received " + std::to_string(characters) +
            "; use a longer text.");
  }
}

Corpus tiny_tales(const CorpusOptions& options) {
  Corpus corpus;
  auto tales = generate_tales(options.seed);
  corpus.text = tales.train + tales.validation;
  corpus.split = {std::move(tales.train), std::move(tales.validation)};
  corpus.license = "MIT";
  corpus.source = "short stories composed by this project's generator, seed " +
      std::to_string(options.seed);
  corpus.generated = true;
  return corpus;
}

void check_shakespeare(const fs::path& path) {
  const auto found = sha256_file(path);
  if (found != shakespeare_sha256) {
    throw InputError(
        "Corpus",
        path.string() + ": expected sha256 " + shakespeare_sha256 +
            " but received " + found + "; remove the file and run again.");
  }
}

// The first of these that is there: data folder, cache, download.
fs::path find_shakespeare(const CorpusOptions& options) {
  const auto folder = environment("MLX_TUTORIAL_DATA");
  for (const char* file : {"tinyshakespeare.txt", shakespeare_file}) {
    if (!folder.empty() && fs::exists(fs::path(folder) / file)) {
      return fs::path(folder) / file;
    }
  }
  const auto cached = home_folder(options) / "data" / shakespeare_file;
  if (fs::exists(cached)) {
    return cached;
  }
  auto base = environment("MLX_TUTORIAL_DATA_URL");
  base = base.empty() ? public_data : base;
  const Download what{
      base + "/tinyshakespeare/input.txt",
      cached,
      shakespeare_sha256,
      shakespeare_bytes};
  if (options.offline) {
    throw InputError(
        "Corpus",
        "tiny-shakespeare is not here and downloads are switched off; put " +
            what.url + " at " + cached.string() +
            ", or run without --offline.");
  }
  const auto to_standard_error = [](const std::string& line) {
    std::cerr << line << std::endl;
  };
  if (options.say) {
    download(what, options.say);
  } else {
    download(what, to_standard_error);
  }
  return cached;
}

Corpus tiny_shakespeare(const CorpusOptions& options) {
  const auto path = find_shakespeare(options);
  check_shakespeare(path);
  Corpus corpus;
  corpus.text = read_text(path);
  corpus.files = {path.string()};
  corpus.license = "public domain";
  corpus.source =
      "Tiny Shakespeare: plays of William Shakespeare, as collected for "
      "char-rnn by Andrej Karpathy";
  return corpus;
}

std::vector<fs::path> text_files(const fs::path& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  fs::recursive_directory_iterator entry(folder, error);
  for (; !error && entry != fs::recursive_directory_iterator();
       entry.increment(error)) {
    const auto extension = entry->path().extension();
    if (entry->is_regular_file(error) &&
        (extension == ".txt" || extension == ".md")) {
      files.push_back(entry->path());
    }
  }
  if (error) {
    throw IoError(
        "Corpus",
        "cannot read the folder " + folder.string() + ": " + error.message() +
            "; check its permissions.");
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) {
    throw InputError(
        "Corpus",
        "expected *.txt or *.md files in " + folder.string() +
            " but found none; add some.");
  }
  return files;
}

Corpus from_path(const fs::path& path) {
  Corpus corpus;
  const bool is_folder = fs::is_directory(path);
  for (const auto& file : is_folder ? text_files(path) : std::vector{path}) {
    corpus.text += (corpus.text.empty() ? "" : "\n\n") + read_text(file);
    corpus.files.push_back(file.string());
  }
  corpus.license = "the licence of your own text";
  corpus.source = is_folder
      ? "text files of the folder " + path.filename().string()
      : "the text file " + path.filename().string();
  return corpus;
}

} // namespace

std::vector<std::string> corpus_names() {
  return {"tiny-tales", "tiny-shakespeare"};
}

Corpus load_corpus(
    const std::string& name_or_path,
    const CorpusOptions& options) {
  Corpus corpus;
  std::error_code error;
  if (name_or_path == "tiny-tales") {
    corpus = tiny_tales(options);
  } else if (name_or_path == "tiny-shakespeare") {
    corpus = tiny_shakespeare(options);
  } else if (!name_or_path.empty() && fs::exists(name_or_path, error)) {
    corpus = from_path(name_or_path);
  } else {
    throw UsageError(
        "Corpus",
        "expected tiny-tales, tiny-shakespeare or the path of a text file or "
        "folder but received " +
            quote(name_or_path) +
            ", which does not exist; check the spelling.");
  }
  corpus.name = name_or_path;
  check_length(name_or_path, corpus.text);
  if (!corpus.generated) {
    corpus.split = split_text(corpus.text, options.train_fraction);
  }
  corpus.sha256 = sha256_hex(corpus.text);
  return corpus;
}

} // namespace llm
