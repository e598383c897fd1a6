// SPDX-License-Identifier: MIT
//
// How a node of a plot is read character by character: private to llm/data.
// Alternatives that are plain words become a trie, so that a reader holds one
// place for all words that agree with what was read, not one per word.

#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "llm/data/grammar.h"

namespace llm {

// Words as a tree of characters; each word is equally likely.
struct Trie {
  struct Node {
    std::vector<std::pair<char, int>> children;
    double words = 0; // that pass or end here
    double ends = 0;  // that end here
  };
  std::vector<Node> nodes{1};

  int child(int at, char c) const {
    for (const auto& [next, index] : nodes[at].children) {
      if (next == c) {
        return index;
      }
    }
    return -1;
  }

  void add(const std::string& word) {
    int at = 0;
    nodes[0].words++;
    for (char c : word) {
      int next = child(at, c);
      if (next < 0) {
        next = static_cast<int>(nodes.size());
        nodes[at].children.emplace_back(c, next);
        nodes.emplace_back();
      }
      at = next;
      nodes[at].words++;
    }
    nodes[at].ends++;
  }
};

// What a node of a plot's graph spells.
struct Speller {
  struct Word {
    std::string text;
    uint64_t rows = 0; // slot: the rows with this text
  };
  std::vector<Word> words; // text: one; slot: the column's distinct texts
  Trie trie;               // choice of plain words
  bool is_trie = false;
  int next = 0; // node after it
};

/** The speller of a node; for a choice that is not plain words, empty. */
Speller make_speller(const Plot& plot, const GrammarNode& node);

} // namespace llm
