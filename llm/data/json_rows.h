// SPDX-License-Identifier: MIT
//
// Objects of a data file, each with its place, so that an error about a field
// can say file:line:column. Two formats: JSONL, one object a line, and JSON, an
// array of objects, or an object whose "train", "validation" (or "valid") and
// "test" are such arrays.

#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "llm/core/json.h"
#include "llm/core/utf8.h"

namespace llm {

/** A line of JSONL may have so many bytes: one example, not a corpus. */
inline constexpr size_t longest_row = size_t{8} << 20;

/** The text of a data file and its name in errors. */
struct DataFile {
  std::string name;
  std::string text;
};

struct JsonRow {
  Json value;
  size_t begin = 0; ///< where it stands in the file's text, in bytes
  size_t end = 0;
  std::string split; ///< "train", "validation", "test", or "" when none is said
};

/** Collects what is wrong with the rows of a file, up to a limit. */
class RowErrors {
 public:
  /** `most` errors end the reading; UsageError when it is under 1. */
  explicit RowErrors(int most);

  /** Notes "name:line:column: reason"; when it is the last one allowed, does
   * throw_all(). */
  void
  add(const DataFile& file, const TextPosition& at, const std::string& reason);

  /** InputError with all that was noted, if anything was. */
  void throw_all() const;

 private:
  int most_;
  std::vector<std::string> lines_;
};

/** The rows of `file`: JSON when `is_jsonl` is false. What is no JSON object
 * goes to `errors` (of a JSON file only the first error can be known). */
std::vector<JsonRow>
read_rows(const DataFile& file, bool is_jsonl, RowErrors& errors);

/** Where the value of a field begins; where the row begins when it has no such
 * field. */
TextPosition field_position(
    const DataFile& file,
    const JsonRow& row,
    std::string_view field);

} // namespace llm
