// SPDX-License-Identifier: MIT

#include "llm/generation/token_grammar.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "llm/core/error.h"

namespace llm {

namespace {

constexpr size_t most_masks = 1024; // 50 MB for 50,000 tokens

size_t common_prefix(const std::string& a, const std::string& b) {
  return std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first -
      a.begin();
}

} // namespace

TokenGrammar::TokenGrammar(
    OutputGrammar grammar,
    const Tokenizer& tokenizer,
    std::vector<int32_t> eos)
    : states_(std::move(grammar)), eos_(std::move(eos)) {
  const int n = tokenizer.vocab_size();
  for (int32_t id = 0; id < n; ++id) {
    texts_.push_back(tokenizer.decode_bytes(id));
  }
  std::vector<int32_t> no_text = tokenizer.special_ids();
  no_text.insert(no_text.end(), eos_.begin(), eos_.end());
  for (int32_t id : no_text) {
    if (id >= 0 && id < n) {
      texts_[id].clear();
    }
  }
  build_trie();
}

void TokenGrammar::build_trie() {
  std::vector<int32_t> order(texts_.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return texts_[a] < texts_[b];
  });
  std::vector<int32_t> open; // the nodes of the last token's bytes
  const auto close = [&](size_t depth) {
    while (open.size() > depth) {
      nodes_[open.back()].skip = static_cast<int32_t>(nodes_.size());
      open.pop_back();
    }
  };
  std::string last;
  for (int32_t id : order) {
    const std::string& text = texts_[id];
    if (text.empty()) {
      continue;
    }
    close(common_prefix(last, text));
    for (size_t i = open.size(); i < text.size(); ++i) {
      open.push_back(static_cast<int32_t>(nodes_.size()));
      nodes_.push_back(
          {static_cast<uint8_t>(text[i]),
           static_cast<int32_t>(i),
           0,
           static_cast<int32_t>(ids_.size())});
    }
    ids_.push_back(id);
    deepest_ = std::max(deepest_, text.size());
    last = text;
  }
  close(0);
  nodes_.push_back({0, 0, 0, static_cast<int32_t>(ids_.size())});
}

TokenGrammar::State TokenGrammar::next(State state, int32_t id) {
  if (std::find(eos_.begin(), eos_.end(), id) != eos_.end()) {
    return may_end(state) ? state : GrammarStates::dead;
  }
  const std::string& text = texts_.at(id);
  if (text.empty()) {
    return GrammarStates::dead;
  }
  for (unsigned char byte : text) {
    state = states_.next(state, byte);
  }
  return state;
}

std::vector<int32_t> TokenGrammar::allowed(State state) {
  std::vector<int32_t> out;
  if (state == GrammarStates::dead) {
    return out;
  }
  std::vector<State> path(deepest_ + 1, state); // before the byte at a depth
  const int32_t last = static_cast<int32_t>(nodes_.size()) - 1;
  for (int32_t i = 0; i < last;) {
    const Node& node = nodes_[i];
    const State after = states_.next(path[node.depth], node.byte);
    if (after == GrammarStates::dead) {
      i = node.skip;
      continue;
    }
    out.insert(
        out.end(),
        ids_.begin() + node.first_id,
        ids_.begin() + nodes_[i + 1].first_id);
    path[node.depth + 1] = after;
    ++i;
  }
  if (may_end(state)) {
    out.insert(out.end(), eos_.begin(), eos_.end());
  }
  return out;
}

mx::array TokenGrammar::mask(State state, int size) {
  if (const auto it = masks_.find(state); it != masks_.end()) {
    return it->second;
  }
  std::vector<uint8_t> fits(size, 0);
  bool any = false;
  for (int32_t id : allowed(state)) {
    if (id < size) {
      fits[id] = 1;
      any = true;
    }
  }
  if (!any) {
    throw UsageError(
        "grammar",
        "expected a token that continues the output but the vocabulary has "
        "none; allow other characters at this place.");
  }
  if (masks_.size() >= most_masks) {
    masks_.clear();
  }
  const mx::array out(
      reinterpret_cast<const bool*>(fits.data()), mx::Shape{size}, mx::bool_);
  masks_.emplace(state, out);
  return out;
}

} // namespace llm
