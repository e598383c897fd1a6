// SPDX-License-Identifier: MIT
//
// Examples to fine-tune on, in the shapes that people have:
//   {"prompt": ..., "completion": ...}
//   {"instruction": ..., "input": ..., "output": ...}       input may be absent
//   {"messages": [{"role": "user", "content": ...}, ...]}
//   {"text": ...}
//   {"prompt": ..., "chosen": ..., "rejected": ...}         preference pairs
// Each may have a "kind", by which losses are shown. Other fields are ignored.
// They come as JSON or JSONL (json_rows.h), or as a folder with train.jsonl,
// valid.jsonl and test.jsonl as mlx-lm reads it.

#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "llm/core/json.h"

namespace llm {

/** One example: messages, a text or a pair. */
struct Example {
  Json messages;      ///< [{"role", "content"}], of a pair those of the prompt
  std::string text;   ///< when there are no messages
  std::string chosen; ///< of a pair
  std::string rejected; ///< of a pair; empty: this is no pair
  std::string kind;     ///< "" when none is said

  bool is_pair() const {
    return !rejected.empty();
  }
  /** The content of the last message before the answer, or the text. */
  std::string prompt() const;
  /** The content of the last message, of a pair the chosen one. */
  std::string answer() const;
};

struct InstructionData {
  std::vector<Example> train, validation, test;
  std::string sha256; ///< of the files, in the order of the splits

  /** The split of this name ("train", "validation" or "valid", "test", "all").
   * UsageError for another name. */
  std::vector<Example> split(const std::string& name) const;
};

/**
 * Reads a file or folder. Rows that no split claims are for training.
 *
 * InputError with file:line:column, the field and the reason for the first
 * `max_errors` rows that cannot be used, and when there are no rows.
 */
InstructionData load_instructions(
    const std::filesystem::path& path,
    int max_errors = 1);

/** Moves every tenth training example, from the tenth on, to validation when
 * the data has no validation part of its own and at least ten examples. */
void hold_out_validation(InstructionData& data);

} // namespace llm
