// SPDX-License-Identifier: MIT
//
// What a look at the data before training should show: how long the examples
// are in tokens, what --max-length cuts, what is there twice, and how many
// there are of each kind.

#pragma once

#include <map>
#include <string>
#include <vector>

#include "llm/data/encoded.h"

namespace llm {

struct SplitReport {
  std::string name;
  int64_t examples = 0;
  int64_t tokens = 0;  ///< of all examples before cutting
  int64_t counted = 0; ///< targets that the loss counts, after cutting
  int64_t shortest = 0, median = 0, p95 = 0, longest = 0; ///< tokens
  std::vector<int64_t> histogram; ///< [i]: lengths from 2^i to 2^(i+1) - 1
  int64_t truncated = 0;          ///< longer than --max-length
  int64_t lost = 0;               ///< of these: nothing is left to learn
  int64_t duplicates = 0;         ///< equal to an example before, in any split
  std::map<std::string, int64_t> kinds;
};

/** Looks at the train, validation and test part; empty ones are left out. */
std::vector<SplitReport> report_on(
    const InstructionData& data,
    const EncodeRules& rules);

/** The reports for people, with a bar for each range of lengths. */
std::string to_text(const std::vector<SplitReport>& reports, int max_length);

/** The same by the names of the fields: {"train": {...}, ...}. */
Json to_json(const std::vector<SplitReport>& reports);

} // namespace llm
