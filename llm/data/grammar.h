// SPDX-License-Identifier: MIT
//
// A grammar of short stories whose entropy is known exactly. A story is one
// plot, chosen uniformly; a plot is text with
//   {name}     a column of a list; one row of the list is drawn per story, so
//              every column of that list agrees for the whole story
//   [a|b|c]    one of the alternatives, drawn on the spot, may be nested
//   <name>     a fragment shared by several plots, pasted in
// Every draw is uniform. Because one story has exactly one derivation
// (find_ambiguity checks it), its probability is the product of its draws.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "llm/core/random.h"

namespace llm {

/** A plot as a person writes it. `lists` are known to this plot alone. */
struct PlotText {
  std::string title;
  std::vector<std::string> lists; ///< "boy he: Tom/he | Ben/he"
  std::string text;
};

/** A whole grammar as a person writes it. */
struct GrammarText {
  std::vector<std::string> lists; ///< shared, same form as in a plot
  std::vector<std::pair<std::string, std::string>> fragments; ///< name, text
  std::vector<PlotText> plots;
  std::string separator = "\n\n"; ///< ends every story, never inside one
};

/** One point of a plot's graph. */
struct GrammarNode {
  enum class Kind { text, slot, choice, end };
  Kind kind = Kind::end;
  std::string text;      ///< text: the characters
  int variable = -1;     ///< slot: index in Plot::variables
  int column = -1;       ///< slot: which column of the list
  std::vector<int> next; ///< text, slot: one node; choice: one per alternative
};

/** A list that a plot draws one row of, e.g. a name with its pronouns. */
struct GrammarVariable {
  std::string name;                           ///< first column's name
  std::vector<std::vector<std::string>> rows; ///< [row][column]
};

/** A compiled plot: a graph without loops from `start` to the `end` node. */
struct Plot {
  std::string title;
  std::vector<GrammarVariable> variables;
  std::vector<GrammarNode> nodes;
  int start = 0;
};

/** Exact figures of a grammar; entropies in nats. */
struct GrammarStatistics {
  double entropy_per_story = 0; ///< H = -sum p log p over all stories
  double mean_chars = 0;  ///< E[characters of a story, separator included]
  double log_stories = 0; ///< log of the number of different stories
  double nats_per_char() const {
    return entropy_per_story / mean_chars;
  }
};

class Grammar {
 public:
  /** Compiles the text. Throws InputError naming the plot and the fault:
   * unknown slot or fragment, unbalanced bracket, empty or ragged list. */
  explicit Grammar(const GrammarText& text);

  const std::vector<Plot>& plots() const {
    return plots_;
  }

  /** One story, separator included. Same bytes on every platform. */
  std::string generate(Random& random) const;

  /** log p of a story (with its separator); -infinity if it is not one. */
  double log_probability(std::string_view story) const;

  /** Entropy, mean length and number of stories, by dynamic programming. */
  GrammarStatistics statistics() const;

 private:
  std::vector<Plot> plots_;
};

/** Looks for two derivations of one string. Follows every pair of different
 * draws until their characters differ; slots count as unbound, so a pair it
 * clears is clear. Returns a description of the first pair that never differs,
 * or nothing if the grammar is unambiguous. */
std::optional<std::string> find_ambiguity(const Grammar& grammar);

} // namespace llm
