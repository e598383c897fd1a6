// SPDX-License-Identifier: MIT
//
// A hypothesis stands at one place of one plot. For each list it knows the rows
// that agree with what was read, as a 64-bit mask; a list not seen yet has all
// its rows. A slot branches into the distinct texts of its column among those
// rows, each with its share of the rows. Alternatives that are plain words are
// read through a trie, so that a place holds one hypothesis, not one per word.
// What can follow a start in the middle of a story is the same for every
// window, so the hypotheses after its first characters are kept.

#include "llm/data/stream_filter.h"

#include <array>
#include <cmath>
#include <map>
#include <tuple>
#include <unordered_map>

#include "llm/core/error.h"

namespace llm {
namespace {

using Kind = GrammarNode::Kind;
constexpr size_t max_variables = 16; // as grammar_parser.cpp checks
constexpr size_t kept_characters = 3;
using Masks = std::array<uint64_t, max_variables>;

double popcount(uint64_t x) {
  int count = 0;
  for (; x != 0; x &= x - 1) {
    count++;
  }
  return count;
}

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

struct Hypothesis {
  double weight = 0;
  int plot = 0;
  int node = 0;
  int masks = 0;  // index in the pool
  int word = 0;   // which of the speller's words; trie: which trie node
  int offset = 0; // of the next character in the word; trie: unused
};

Speller make_speller(const Plot& plot, const GrammarNode& node) {
  Speller speller;
  if (node.kind == Kind::text) {
    speller.words.push_back({node.text, 0});
  } else if (node.kind == Kind::slot) {
    const auto& rows = plot.variables[node.variable].rows;
    for (size_t r = 0; r < rows.size(); r++) {
      size_t w = 0;
      while (w < speller.words.size() &&
             speller.words[w].text != rows[r][node.column]) {
        w++;
      }
      if (w == speller.words.size()) {
        speller.words.push_back({rows[r][node.column], 0});
      }
      speller.words[w].rows |= uint64_t{1} << r;
    }
  } else if (node.kind == Kind::choice) {
    const auto& nodes = plot.nodes;
    speller.is_trie = true;
    for (int next : node.next) {
      speller.is_trie = speller.is_trie && nodes[next].kind == Kind::text &&
          nodes[next].next[0] == nodes[node.next[0]].next[0];
    }
    for (int next : node.next) {
      if (speller.is_trie) {
        speller.trie.add(nodes[next].text);
        speller.next = nodes[next].next[0];
      }
    }
    return speller;
  }
  speller.next = node.next.empty() ? 0 : node.next[0];
  return speller;
}

} // namespace

struct StreamFilter::State {
  const Grammar* grammar = nullptr;
  std::vector<std::vector<Speller>> spellers; // [plot][node]
  std::vector<Masks> pool; // first one per plot: all rows of every list
  size_t pool_kept = 0;    // the part that outlives a start
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
  void add_anywhere(const Hypothesis& h, char c, double weight);
  void enter(const Hypothesis& from, int index, double weight);
  void enter_slot(Hypothesis h, int variable);
  void enter_stories(double weight);
  double take(const Hypothesis& h, char c);
  double read_from(const std::vector<Hypothesis>& from, char c);
  double read_kept(char c);
};

void StreamFilter::State::prepare() {
  for (const auto& plot : grammar->plots()) {
    std::vector<Speller> of_plot;
    for (const auto& node : plot.nodes) {
      of_plot.push_back(make_speller(plot, node));
    }
    spellers.push_back(std::move(of_plot));
    Masks masks{};
    for (size_t v = 0; v < plot.variables.size(); v++) {
      for (size_t r = 0; r < plot.variables[v].rows.size(); r++) {
        masks[v] |= uint64_t{1} << r;
      }
    }
    pool.push_back(masks);
  }
  prepare_anywhere();
  pool_kept = pool.size();
}

void StreamFilter::State::add_anywhere(
    const Hypothesis& h,
    char c,
    double weight) {
  const auto index = static_cast<unsigned char>(c);
  anywhere[index].push_back(h);
  first[index] += weight;
}

// A place is as likely as the stories that pass it: p(plot) times p(the
// alternatives that lead to the node) times, inside a slot, p(row). The lists
// are independent of the place, so the others keep all their rows.
void StreamFilter::State::prepare_anywhere() {
  const auto& plots = grammar->plots();
  const double total = grammar->statistics().mean_chars * plots.size();
  for (int p = 0; p < static_cast<int>(plots.size()); p++) {
    const auto& nodes = plots[p].nodes;
    std::vector<double> reach(nodes.size()); // except through a trie
    reach[plots[p].start] = 1 / total;
    for (int n = plots[p].start; n > 0; n--) { // every edge leads to a lower n
      const auto& speller = spellers[p][n];
      if (reach[n] == 0) {
        continue;
      }
      if (speller.is_trie) {
        reach[speller.next] += reach[n];
        for (size_t t = 0; t < speller.trie.nodes.size(); t++) {
          const auto& at = speller.trie.nodes[t];
          const double each = reach[n] / speller.trie.nodes[0].words;
          Hypothesis h{
              each * (at.words - at.ends), p, n, p, static_cast<int>(t), 0};
          for (const auto& [c, child] : at.children) {
            add_anywhere(h, c, each * speller.trie.nodes[child].words);
          }
        }
        continue;
      }
      for (int next : nodes[n].next) {
        reach[next] += reach[n] / static_cast<double>(nodes[n].next.size());
      }
      for (size_t w = 0; w < speller.words.size(); w++) {
        const auto& word = speller.words[w];
        Hypothesis h{reach[n], p, n, p, static_cast<int>(w), 0};
        if (word.rows != 0) {
          const int variable = nodes[n].variable;
          h.weight *= popcount(word.rows) / popcount(pool[p][variable]);
          h.masks = static_cast<int>(pool.size());
          auto masks = pool[p];
          masks[variable] = word.rows;
          pool.push_back(masks);
        }
        for (char c : word.text) {
          add_anywhere(h, c, h.weight);
          h.offset++;
        }
      }
    }
  }
}

// Adds what can be read at node `index`, with the lists as `from` knows them.
void StreamFilter::State::enter(
    const Hypothesis& from,
    int index,
    double weight) {
  const auto& node = grammar->plots()[from.plot].nodes[index];
  const auto& speller = spellers[from.plot][index];
  Hypothesis h{weight, from.plot, index, from.masks, 0, 0};
  if (node.kind == Kind::end) {
    finished += weight;
  } else if (node.kind == Kind::text || speller.is_trie) {
    alive.push_back(h);
  } else if (node.kind == Kind::slot) {
    enter_slot(h, node.variable);
  } else {
    for (int next : node.next) {
      enter(from, next, weight / static_cast<double>(node.next.size()));
    }
  }
}

void StreamFilter::State::enter_slot(Hypothesis h, int variable) {
  const auto& words = spellers[h.plot][h.node].words;
  const auto masks = pool[h.masks];
  const double weight = h.weight;
  for (size_t w = 0; w < words.size(); w++) {
    const uint64_t left = masks[variable] & words[w].rows;
    if (left == 0) {
      continue;
    }
    h.word = static_cast<int>(w);
    h.weight = weight * popcount(left) / popcount(masks[variable]);
    if (left != masks[variable]) {
      h.masks = static_cast<int>(pool.size());
      pool.push_back(masks);
      pool.back()[variable] = left;
    }
    alive.push_back(h);
  }
}

void StreamFilter::State::enter_stories(double weight) {
  const auto& plots = grammar->plots();
  const double each = weight / static_cast<double>(plots.size());
  for (int p = 0; p < static_cast<int>(plots.size()); p++) {
    enter(Hypothesis{0, p, 0, p, 0, 0}, plots[p].start, each);
  }
}

// Reads c at one hypothesis; returns the weight that agrees.
double StreamFilter::State::take(const Hypothesis& h, char c) {
  const auto& speller = spellers[h.plot][h.node];
  if (!speller.is_trie) {
    const auto& text = speller.words[h.word].text;
    if (text[h.offset] != c) {
      return 0;
    }
    if (h.offset + 1 < static_cast<int>(text.size())) {
      alive.push_back(h);
      alive.back().offset++;
    } else {
      enter(h, speller.next, h.weight);
    }
    return h.weight;
  }
  const int child = speller.trie.child(h.word, c);
  if (child < 0) {
    return 0;
  }
  const auto& at = speller.trie.nodes[h.word];
  const auto& to = speller.trie.nodes[child];
  const double each = h.weight / (at.words - at.ends);
  if (to.words > to.ends) {
    alive.push_back(h);
    alive.back().word = child;
    alive.back().weight = each * (to.words - to.ends);
  }
  if (to.ends > 0) {
    enter(h, speller.next, each * to.ends);
  }
  return each * to.words;
}

double StreamFilter::State::read_from(
    const std::vector<Hypothesis>& from,
    char c) {
  alive.clear();
  finished = 0;
  double mass = 0;
  for (const auto& h : from) {
    mass += take(h, c);
  }
  if (finished > 0) {
    enter_stories(finished);
  }
  for (auto& h : alive) {
    h.weight /= mass;
  }
  return std::log(mass);
}

// As read, but remembers the result for this prefix.
double StreamFilter::State::read_kept(char c) {
  std::swap(before, alive);
  const auto& from =
      prefix.empty() ? anywhere[static_cast<unsigned char>(c)] : before;
  prefix += c;
  is_anywhere = prefix.size() < kept_characters;
  auto [entry, is_new] = kept.try_emplace(prefix);
  if (is_new) {
    pool.resize(pool_kept);
    entry->second.log_p = read_from(from, c);
    entry->second.alive = alive;
    pool_kept = pool.size();
  } else {
    alive = entry->second.alive;
  }
  return entry->second.log_p;
}

StreamFilter::StreamFilter(const Grammar& grammar)
    : state_(std::make_unique<State>()) {
  state_->grammar = &grammar;
  state_->prepare();
}

StreamFilter::~StreamFilter() = default;

void StreamFilter::start_anywhere() {
  state_->is_anywhere = true;
  state_->prefix.clear();
  state_->alive.clear();
  state_->pool.resize(state_->pool_kept);
}

void StreamFilter::start_of_story() {
  start_anywhere();
  state_->is_anywhere = false;
  state_->enter_stories(1);
}

std::vector<double> StreamFilter::next_probabilities() const {
  if (state_->is_anywhere && state_->prefix.empty()) {
    return state_->first;
  }
  std::vector<double> p(256);
  for (const auto& h : state_->alive) {
    const auto& speller = state_->spellers[h.plot][h.node];
    if (speller.is_trie) {
      const auto& at = speller.trie.nodes[h.word];
      for (const auto& [c, child] : at.children) {
        p[static_cast<unsigned char>(c)] +=
            h.weight * speller.trie.nodes[child].words / (at.words - at.ends);
      }
    } else {
      const auto& text = speller.words[h.word].text;
      p[static_cast<unsigned char>(text[h.offset])] += h.weight;
    }
  }
  return p;
}

double StreamFilter::read(char c) {
  auto& s = *state_;
  if (s.is_anywhere) {
    return s.read_kept(c);
  }
  std::swap(s.before, s.alive);
  return s.read_from(s.before, c);
}

double StreamFilter::log_probability(std::string_view story) {
  start_of_story();
  double sum = 0;
  for (size_t i = 0; i < story.size(); i++) {
    sum += read(story[i]);
    const bool last = i + 1 == story.size();
    if (std::isinf(sum) || last != (state_->finished > 0)) {
      return -INFINITY; // not a story, cut short, or more than one
    }
  }
  return story.empty() ? -INFINITY : sum;
}

size_t StreamFilter::size() const {
  return state_->alive.size();
}

} // namespace llm
