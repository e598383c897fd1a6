// SPDX-License-Identifier: MIT
//
// Proof that a string has one derivation. Two derivations part at some draw
// (plot, alternative or row). From every such draw this walks all pairs of
// places that the same characters can lead to, one on each side. If no pair
// meets in one place and none reaches the end on both sides, no two
// derivations give the same string. The pairs are finite in number, so the
// walk ends; slots may take any row, which can only add pairs.

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <unordered_set>

#include "llm/data/grammar.h"

namespace llm {
namespace {

using Kind = GrammarNode::Kind;

// The next character is text[offset] of node `node`, row text number `row`.
struct Place {
  int plot = 0;
  int node = 0;
  int row = 0; // slot only: index of the text among the distinct ones
  int offset = 0;
  bool operator==(const Place& o) const {
    return plot == o.plot && node == o.node && row == o.row &&
        offset == o.offset;
  }
  uint64_t key() const { // fits: see the limits in grammar_parser.cpp
    return (static_cast<uint64_t>(plot) << 24 |
            static_cast<uint64_t>(node) << 8 | static_cast<uint64_t>(row)) *
        4096 +
        static_cast<uint64_t>(offset);
  }
};

struct PairHash {
  size_t operator()(const std::pair<uint64_t, uint64_t>& p) const {
    return static_cast<size_t>(mix64(p.first) ^ p.second);
  }
};

class PairWalk {
 public:
  explicit PairWalk(const Grammar& grammar) : grammar_(grammar) {}

  // Do the ways of this node differ within their words, whatever follows?
  bool is_clear(int plot, int index) {
    const auto& n = grammar_.plots()[plot].nodes[index];
    std::vector<std::string> words;
    if (n.kind == Kind::slot) {
      words = texts(plot, n);
    } else {
      for (int next : n.next) {
        const auto& word = grammar_.plots()[plot].nodes[next];
        if (word.kind != Kind::text) {
          return false;
        }
        words.push_back(word.text);
      }
      std::sort(words.begin(), words.end());
    }
    for (size_t i = 1; i < words.size(); i++) { // a prefix sorts just before
      if (words[i].compare(0, words[i - 1].size(), words[i - 1]) == 0) {
        return false;
      }
    }
    return true;
  }

  // All places where reading goes on after entering a node.
  std::vector<Place> enter(int plot, int node) {
    const auto& n = grammar_.plots()[plot].nodes[node];
    std::vector<Place> places;
    if (n.kind == Kind::end || n.kind == Kind::text) {
      places.push_back({plot, node, 0, 0});
    } else if (n.kind == Kind::slot) {
      const int count = static_cast<int>(texts(plot, n).size());
      for (int row = 0; row < count; row++) {
        places.push_back({plot, node, row, 0});
      }
    } else {
      for (int next : n.next) {
        for (const auto& place : enter(plot, next)) {
          places.push_back(place);
        }
      }
    }
    return places;
  }

  // Are the two sets of places told apart by what follows?
  std::optional<std::string> compare(
      const std::vector<Place>& left,
      const std::vector<Place>& right) {
    push(left, right);
    while (!todo_.empty()) {
      const auto [a, b] = todo_.back();
      todo_.pop_back();
      if (a == b || at_end(a)) { // at_end(b) too, see may_meet
        return describe(a, b);
      }
      push(step(a), step(b));
    }
    return std::nullopt;
  }

 private:
  const std::vector<std::string>& texts(int plot, const GrammarNode& n) {
    auto& known = texts_[{plot, n.variable, n.column}];
    if (known.empty()) {
      std::set<std::string> distinct;
      for (const auto& row :
           grammar_.plots()[plot].variables[n.variable].rows) {
        distinct.insert(row[n.column]);
      }
      known.assign(distinct.begin(), distinct.end());
    }
    return known;
  }

  const GrammarNode& node(const Place& p) {
    return grammar_.plots()[p.plot].nodes[p.node];
  }

  bool at_end(const Place& p) {
    return node(p).kind == Kind::end;
  }

  const std::string& text(const Place& p) {
    return node(p).kind == Kind::text ? node(p).text
                                      : texts(p.plot, node(p))[p.row];
  }

  // Both at the end, or in front of the same character.
  bool may_meet(const Place& a, const Place& b) {
    if (at_end(a) || at_end(b)) {
      return at_end(a) && at_end(b);
    }
    return text(a)[a.offset] == text(b)[b.offset];
  }

  std::vector<Place> step(Place p) {
    if (++p.offset < static_cast<int>(text(p).size())) {
      return {p};
    }
    return enter(p.plot, node(p).next[0]);
  }

  void push(const std::vector<Place>& left, const std::vector<Place>& right) {
    for (const auto& a : left) {
      for (const auto& b : right) {
        if (may_meet(a, b) && seen_.insert({a.key(), b.key()}).second) {
          todo_.push_back({a, b});
        }
      }
    }
  }

  std::string describe(const Place& a, const Place& b) {
    std::string found;
    for (const auto& p : {a, b}) {
      found += (found.empty() ? "plot \"" : " and plot \"") +
          grammar_.plots()[p.plot].title + "\" near \"" +
          (at_end(p) ? "its end" : text(p).substr(0, 40)) + "\"";
    }
    return "two derivations give the same text: " + found;
  }

  const Grammar& grammar_;
  std::map<std::tuple<int, int, int>, std::vector<std::string>> texts_;
  std::vector<std::pair<Place, Place>> todo_;
  std::unordered_set<std::pair<uint64_t, uint64_t>, PairHash> seen_;
};

} // namespace

std::optional<std::string> find_ambiguity(const Grammar& grammar) {
  PairWalk walk(grammar);
  const auto& plots = grammar.plots();
  std::vector<std::vector<std::vector<Place>>> draws; // [draw][way][place]
  draws.emplace_back();
  for (int p = 0; p < static_cast<int>(plots.size()); p++) {
    draws[0].push_back(walk.enter(p, plots[p].start));
    for (int n = 0; n < static_cast<int>(plots[p].nodes.size()); n++) {
      const auto kind = plots[p].nodes[n].kind;
      if (walk.is_clear(p, n)) {
        continue;
      }
      if (kind == Kind::choice) {
        draws.emplace_back();
        for (int next : plots[p].nodes[n].next) {
          draws.back().push_back(walk.enter(p, next));
        }
      } else if (kind == Kind::slot) {
        draws.emplace_back();
        for (const auto& place : walk.enter(p, n)) {
          draws.back().push_back({place});
        }
      }
    }
  }
  for (const auto& ways : draws) {
    for (size_t i = 0; i < ways.size(); i++) {
      for (size_t j = i + 1; j < ways.size(); j++) {
        if (auto found = walk.compare(ways[i], ways[j])) {
          return found;
        }
      }
    }
  }
  return std::nullopt;
}

} // namespace llm
