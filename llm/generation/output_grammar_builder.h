// SPDX-License-Identifier: MIT
//
// Collects the rules of a grammar while it is parsed, checks them when all are
// there, and lays them out. Equal byte sets, classes and tails of repetitions
// are made once.

#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llm/generation/output_grammar.h"
#include "llm/generation/utf8_ranges.h"

namespace llm {

using GrammarSequence = std::vector<GrammarItem>;
using GrammarSequences = std::vector<GrammarSequence>;

inline constexpr int most_repetitions = 65535;

class GrammarBuilder {
 public:
  GrammarBuilder(std::string_view text, std::string_view where)
      : text_(text), where_(where) {}

  /** InputError with the line and column of the byte `offset`. */
  [[noreturn]] void fail(size_t offset, const std::string& reason) const;

  /** The rule `name`, which may be defined later; `offset` is where it is
   * mentioned. The first one is rule 0. */
  GrammarItem rule_named(const std::string& name, size_t offset);
  void define(GrammarItem rule, size_t offset, GrammarSequences sequences);
  GrammarItem define_new(size_t offset, GrammarSequences sequences);

  GrammarItem byte(uint8_t first, uint8_t last);
  /** One character of the normalized ranges. */
  GrammarItem characters(const std::vector<CharacterRange>& ranges);

  /** `part` from `least` to `most` times (none: without end). */
  GrammarSequence repeat(
      GrammarSequence part,
      int least,
      std::optional<int> most,
      size_t offset);

  /** Checks all rules. */
  OutputGrammar finish() const;

 private:
  struct Rule {
    std::string name;  // empty: made for a group or a repetition
    size_t offset = 0; // of the definition, else of the first mention
    std::optional<GrammarSequences> sequences = {};
  };

  GrammarItem bytes(const std::bitset<256>& set);
  void count(size_t items, size_t offset);
  void check_all_defined() const;
  std::vector<bool> rules_that_end(bool with_bytes) const;
  std::vector<int32_t> begins_with(
      int32_t id,
      const std::vector<bool>& may_be_empty) const;
  void check_left_recursion(const std::vector<bool>& may_be_empty) const;

  std::string_view text_;
  std::string where_;
  std::vector<Rule> rules_;
  std::map<std::string, int32_t> ids_;
  std::vector<std::bitset<256>> sets_;
  std::map<std::string, int32_t> set_ids_;
  std::map<std::vector<CharacterRange>, GrammarItem> classes_;
  size_t size_ = 0; // items so far
};

} // namespace llm
