// SPDX-License-Identifier: MIT
//
// What an ideal reader knows. The reader has the grammar, but sees the text
// only from the middle of some story on. It keeps every hypothesis (plot, place
// in the plot, rows still possible for each list) with its exact weight and
// drops those that the next character contradicts: Bayesian filtering. Before
// the first character the weights are those of a random place in an endless
// stream of independent stories: proportional to p(derivation) per character.
// -log p of the text under this reader is the least loss that any model with
// the same window can reach on average.

#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "llm/data/grammar.h"
#include "llm/data/split.h"

namespace llm {

class StreamFilter {
 public:
  explicit StreamFilter(const Grammar& grammar);
  ~StreamFilter();
  StreamFilter(const StreamFilter&) = delete;
  StreamFilter& operator=(const StreamFilter&) = delete;

  /** Forgets everything: the next character is from a random place. */
  void start_anywhere();

  /** The next character is the first of a story. */
  void start_of_story();

  /** p(next character = c | characters since the start) for all 256 bytes. */
  std::vector<double> next_probabilities() const;

  /** Reads c; returns log p(c | before). After -infinity (no such text in the
   * grammar) start again. */
  double read(char c);

  /** log p that a story, from its first character to the end of its
   * separator, is this text; -infinity if it is not one story. */
  double log_probability(std::string_view story);

  /** How many hypotheses are alive. */
  size_t size() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/** Least reachable loss, in nats per character, for three kinds of reader. */
struct EntropyFloor {
  double source = 0;        ///< sees everything from the first story on
  double fixed_windows = 0; ///< evaluated as in fixed_windows()
  double sliding = 0;       ///< evaluated as in sliding_windows()
  double fixed_error = 0;   ///< standard error of fixed_windows (over windows)
  double sliding_error = 0;
  int64_t fixed_count = 0; ///< windows read
  int64_t sliding_count = 0;
};

/** The floor for `context` characters on this very text: mean of -log p of its
 * characters as the two evaluations of split.h score them. `max_windows` > 0
 * reads only that many windows, evenly spread (an estimate: see the error). */
EntropyFloor entropy_floor(
    const Grammar& grammar,
    std::string_view text,
    int context,
    int64_t max_windows = 0);

} // namespace llm
