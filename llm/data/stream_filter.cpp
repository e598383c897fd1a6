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

#include <cmath>

#include "llm/data/stream_filter_state.h"

namespace llm {
namespace {

using Kind = GrammarNode::Kind;
constexpr size_t kept_characters = 3;

} // namespace

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
    h.weight = weight * count_rows(left) / count_rows(masks[variable]);
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
