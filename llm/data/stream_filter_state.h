// SPDX-License-Identifier: MIT
//
// The inside of StreamFilter, shared by stream_filter.cpp (reading) and
// stream_filter_start.cpp (what is known before the first character).

#pragma once

#include <array>
#include <string>
#include <unordered_map>
#include <vector>

#include "llm/data/speller.h"
#include "llm/data/stream_filter.h"

namespace llm {

/** For each list of a plot the set of rows that agree with what was read; at
 * most 16 lists, as grammar_parser.cpp checks. */
using RowMasks = std::array<uint64_t, 16>;

/** How many rows a mask holds. */
inline double count_rows(uint64_t mask) {
  int count = 0;
  for (; mask != 0; mask &= mask - 1) {
    count++;
  }
  return count;
}

/** One explanation of what was read: the place of the next character. */
struct Hypothesis {
  double weight = 0;
  int plot = 0;
  int node = 0;
  int masks = 0;  // index in the pool
  int word = 0;   // which of the speller's words; trie: which trie node
  int offset = 0; // of the next character in the word; trie: unused
};

struct StreamFilter::State {
  const Grammar* grammar = nullptr;
  std::vector<std::vector<Speller>> spellers; // [plot][node]
  std::vector<RowMasks> pool; // first one per plot: all rows of every list
  size_t pool_kept = 0;       // the part that outlives a start
  std::vector<Hypothesis> anywhere[256]; // those that can spell this character
  std::vector<double> first = std::vector<double>(256); // their weight

  // After the first characters (the key) of a start anywhere.
  struct Kept {
    double log_p = 0; // of the last of these characters
    std::vector<Hypothesis> alive;
  };
  std::unordered_map<std::string, Kept> kept;
  std::string prefix;      // read since start_anywhere, while short
  bool is_anywhere = true; // started anywhere and the prefix is short

  std::vector<Hypothesis> alive;
  std::vector<Hypothesis> before;
  double finished = 0; // weight of those that just ended a story

  void prepare();
  void prepare_anywhere();
  void add_trie(int plot, int node, double reach);
  void add_words(int plot, int node, double reach);
  void add_anywhere(const Hypothesis& h, char c, double weight);
  void enter(const Hypothesis& from, int index, double weight);
  void enter_slot(Hypothesis h, int variable);
  void enter_stories(double weight);
  double take(const Hypothesis& h, char c);
  double read_from(const std::vector<Hypothesis>& from, char c);
  double read_kept(char c);
};

} // namespace llm
