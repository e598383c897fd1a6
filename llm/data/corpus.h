// SPDX-License-Identifier: MIT
//
// Text to train on, by name or by path: "tiny-tales" (made here),
// "tiny-shakespeare" (downloaded once), or any UTF-8 text file or folder.

#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "llm/data/split.h"

namespace llm {

struct CorpusOptions {
  /** Home folder; downloads are kept in <home>/data. Empty: $MLX_TUTORIAL_HOME
   * or ~/ai-training. */
  std::filesystem::path home;
  bool offline = false;        ///< never use the network
  uint64_t seed = 1;           ///< of tiny-tales
  double train_fraction = 0.9; ///< where a corpus has no validation text
  /** Receives lines for the user ("downloading ..."). Empty: standard error. */
  std::function<void(const std::string&)> say;
};

struct Corpus {
  std::string name; ///< as asked for
  std::string text; ///< all of it; with a validation text, train then that
  TextSplit split;  ///< training and validation text, never overlapping
  std::vector<std::string> files; ///< read, in this order; empty if generated
  std::string license;            ///< short, for the model's README
  std::string source;             ///< one sentence: where it comes from
  std::string sha256;             ///< of `text`
  bool generated = false;         ///< tiny-tales: its entropy floor is known
};

/** Names that load_corpus knows. */
std::vector<std::string> corpus_names();

/** Loads a corpus. `name_or_path`: one of corpus_names(), a text file, or a
 * folder (all *.txt and *.md below it, sorted by path, joined by an empty
 * line). A name wins over a path of the same spelling; write ./name for the
 * path. Errors: UsageError (neither a name nor a path), InputError (empty or
 * too short, invalid UTF-8 as file:line:column, offline without the file),
 * IoError (cannot read). */
Corpus load_corpus(
    const std::string& name_or_path,
    const CorpusOptions& options = {});

} // namespace llm
