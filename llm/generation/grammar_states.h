// SPDX-License-Identifier: MIT
//
// Runs a grammar as a pushdown automaton, all ways of reading at once: a state
// is a set of stacks, and a stack is what is still to come, innermost first.
// States and stacks have numbers; what a byte does to a state is computed once
// and then looked up, which makes walking a vocabulary cheap. Stacks share
// their lower parts (a stack is its top and the number of the rest).
// Not for several threads at once.

#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "llm/generation/output_grammar.h"

namespace llm {

class GrammarStates {
 public:
  using State = int32_t;
  static constexpr State dead = -1; ///< no output that begins so fits

  explicit GrammarStates(OutputGrammar grammar);

  State start();
  /** The state after one more byte; `dead` stays dead. UsageError when the
   * grammar can be read in too many ways at once. */
  State next(State state, uint8_t byte);

  bool may_end(State state) const;
  bool may_go_on(State state) const;

 private:
  struct Stack {
    int32_t item; // the top: an item of the grammar that is not `end`
    int32_t rest; // another stack
  };

  int32_t push(int32_t item, int32_t rest);
  void expand(int32_t item, int32_t rest, std::vector<int32_t>& out);
  State intern(std::vector<int32_t> stacks);
  void find_byte_classes();

  OutputGrammar grammar_;
  std::array<uint8_t, 256> class_of_{}; // bytes that no set tells apart
  size_t class_count_ = 0;
  std::vector<Stack> stacks_;                       // 0: the empty one
  std::unordered_map<uint64_t, int32_t> stack_ids_; // (item, rest) -> stack
  std::vector<std::vector<int32_t>> states_;        // sorted stacks
  std::map<std::vector<int32_t>, State> state_ids_;
  std::vector<State> transitions_;    // [state, class]; -2: not computed yet
  std::unordered_set<uint64_t> seen_; // while expanding
};

} // namespace llm
