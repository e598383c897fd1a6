// SPDX-License-Identifier: MIT
//
// Which tokens may come next when the output follows a grammar. The vocabulary
// is a trie in the order of its bytes, so that tokens with a common beginning
// cost one walk; the mask of a state is kept, since most states come again.
// A token may hold a part of a character; a special token is never text.
// Not for several threads at once.

#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include <mlx/array.h>

#include "llm/generation/grammar_states.h"
#include "llm/tokenizers/tokenizer.h"

namespace llm {

namespace mx = mlx::core;

class TokenGrammar {
 public:
  using State = GrammarStates::State;

  /** `eos` are allowed where the output may end. */
  TokenGrammar(
      OutputGrammar grammar,
      const Tokenizer& tokenizer,
      std::vector<int32_t> eos = {});

  State start() {
    return states_.start();
  }

  /** The state after a token; GrammarStates::dead when it does not fit. */
  State next(State state, int32_t id);

  bool may_end(State state) const {
    return states_.may_end(state);
  }
  bool may_go_on(State state) const {
    return states_.may_go_on(state);
  }

  /** The ids of the tokens that fit, eos among them where it may end. */
  std::vector<int32_t> allowed(State state);

  /** The same as a mask, bool [size], true for what fits. UsageError when no
   * token does: the vocabulary lacks a byte that the grammar needs. */
  mx::array mask(State state, int size);

 private:
  struct Node {
    uint8_t byte;
    int32_t depth;    // of its byte in the token
    int32_t skip;     // the first node that is not below this one
    int32_t first_id; // its tokens: ids_[first_id] up to those of the next
  };

  void build_trie();

  GrammarStates states_;
  std::vector<int32_t> eos_;
  std::vector<std::string> texts_; // [id]; "" for what is never text
  std::vector<Node> nodes_;        // parents first, closed by an empty one
  std::vector<int32_t> ids_;       // by their bytes
  size_t deepest_ = 0;             // bytes of the longest token
  std::unordered_map<State, mx::array> masks_;
};

} // namespace llm
