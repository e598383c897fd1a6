// SPDX-License-Identifier: MIT
//
// Builds spellers from nodes; see speller.h.

#include "llm/data/speller.h"

namespace llm {
namespace {

using Kind = GrammarNode::Kind;

// The distinct texts of a column, each with the rows that have it.
std::vector<Speller::Word> column_words(
    const GrammarVariable& variable,
    int column) {
  std::vector<Speller::Word> words;
  for (size_t r = 0; r < variable.rows.size(); r++) {
    const auto& text = variable.rows[r][column];
    size_t w = 0;
    while (w < words.size() && words[w].text != text) {
      w++;
    }
    if (w == words.size()) {
      words.push_back({text, 0});
    }
    words[w].rows |= uint64_t{1} << r;
  }
  return words;
}

// A trie if all alternatives are plain words that lead to the same node.
Speller choice_speller(const Plot& plot, const GrammarNode& node) {
  Speller speller;
  const auto& first = plot.nodes[node.next[0]];
  for (int next : node.next) {
    const auto& word = plot.nodes[next];
    if (word.kind != Kind::text || word.next[0] != first.next[0]) {
      return speller;
    }
  }
  for (int next : node.next) {
    speller.trie.add(plot.nodes[next].text);
  }
  speller.is_trie = true;
  speller.next = first.next[0];
  return speller;
}

} // namespace

Speller make_speller(const Plot& plot, const GrammarNode& node) {
  if (node.kind == Kind::choice) {
    return choice_speller(plot, node);
  }
  Speller speller;
  if (node.kind == Kind::text) {
    speller.words.push_back({node.text, 0});
  } else if (node.kind == Kind::slot) {
    speller.words = column_words(plot.variables[node.variable], node.column);
  }
  speller.next = node.next.empty() ? 0 : node.next[0];
  return speller;
}

} // namespace llm
