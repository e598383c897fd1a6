// SPDX-License-Identifier: MIT

#include "llm/generation/grammar_states.h"

#include <algorithm>
#include <utility>

#include "llm/core/error.h"

namespace llm {

namespace {

constexpr int32_t empty_stack = 0;
constexpr int32_t unknown = -2;
constexpr size_t most_stacks = 10000; // in one state

uint64_t pair_key(int32_t a, int32_t b) {
  return static_cast<uint64_t>(static_cast<uint32_t>(a)) << 32 |
      static_cast<uint32_t>(b);
}

} // namespace

GrammarStates::GrammarStates(OutputGrammar grammar)
    : grammar_(std::move(grammar)), stacks_{{0, 0}} {
  find_byte_classes();
}

void GrammarStates::find_byte_classes() {
  std::map<std::vector<bool>, uint8_t> classes;
  for (int byte = 0; byte < 256; ++byte) {
    std::vector<bool> member;
    for (const auto& set : grammar_.sets) {
      member.push_back(set[byte]);
    }
    class_of_[byte] =
        classes.emplace(member, static_cast<uint8_t>(classes.size()))
            .first->second;
  }
  class_count_ = classes.size();
}

int32_t GrammarStates::push(int32_t item, int32_t rest) {
  const auto [it, is_new] = stack_ids_.emplace(
      pair_key(item, rest), static_cast<int32_t>(stacks_.size()));
  if (is_new) {
    stacks_.push_back({item, rest});
  }
  return it->second;
}

// Adds the stacks that begin with a byte (or are empty) to `out`. Where a rule
// is the last thing of its sequence, nothing is pushed for what follows it, so
// that right recursion needs no room.
void GrammarStates::expand(
    int32_t item,
    int32_t rest,
    std::vector<int32_t>& out) {
  std::vector<std::pair<int32_t, int32_t>> todo = {{item, rest}};
  seen_.clear();
  while (!todo.empty()) {
    const auto [at, below] = todo.back();
    todo.pop_back();
    if (!seen_.insert(pair_key(at, below)).second) {
      continue;
    }
    const GrammarItem& top = grammar_.items[at];
    if (top.kind == GrammarItem::bytes) {
      out.push_back(push(at, below));
    } else if (top.kind == GrammarItem::rule) {
      const bool last = grammar_.items[at + 1].kind == GrammarItem::end;
      const int32_t after = last ? below : push(at + 1, below);
      for (int32_t sequence : grammar_.rules[top.index]) {
        todo.emplace_back(sequence, after);
      }
    } else if (below == empty_stack) {
      out.push_back(empty_stack);
    } else {
      todo.emplace_back(stacks_[below].item, stacks_[below].rest);
    }
  }
}

GrammarStates::State GrammarStates::intern(std::vector<int32_t> stacks) {
  if (stacks.empty()) {
    return dead;
  }
  std::sort(stacks.begin(), stacks.end());
  stacks.erase(std::unique(stacks.begin(), stacks.end()), stacks.end());
  if (stacks.size() > most_stacks) {
    throw UsageError(
        "grammar",
        "expected at most " + std::to_string(most_stacks) +
            " ways to read an output but there are more; make the grammar "
            "less ambiguous.");
  }
  const auto [it, is_new] =
      state_ids_.emplace(stacks, static_cast<State>(states_.size()));
  if (is_new) {
    states_.push_back(std::move(stacks));
    transitions_.resize(transitions_.size() + class_count_, unknown);
  }
  return it->second;
}

GrammarStates::State GrammarStates::start() {
  std::vector<int32_t> stacks;
  for (int32_t sequence : grammar_.rules[0]) {
    expand(sequence, empty_stack, stacks);
  }
  return intern(std::move(stacks));
}

GrammarStates::State GrammarStates::next(State state, uint8_t byte) {
  if (state == dead) {
    return dead;
  }
  const size_t at = state * class_count_ + class_of_[byte];
  if (transitions_[at] == unknown) {
    std::vector<int32_t> stacks;
    for (int32_t id : std::vector<int32_t>(states_[state])) {
      const Stack stack = stacks_[id];
      if (id != empty_stack &&
          grammar_.sets[grammar_.items[stack.item].index][byte]) {
        expand(stack.item + 1, stack.rest, stacks);
      }
    }
    const State after = intern(std::move(stacks)); // may grow transitions_
    transitions_[at] = after;
  }
  return transitions_[at];
}

bool GrammarStates::may_end(State state) const {
  return state != dead && states_[state].front() == empty_stack;
}

bool GrammarStates::may_go_on(State state) const {
  return state != dead && states_[state].back() != empty_stack;
}

} // namespace llm
