// SPDX-License-Identifier: MIT
//
// Every place of every story with its weight: what a reader knows who has the
// grammar and has not yet seen a character.

#include "llm/data/stream_filter_state.h"

namespace llm {

void StreamFilter::State::prepare() {
  for (const auto& plot : grammar->plots()) {
    std::vector<Speller> of_plot;
    for (const auto& node : plot.nodes) {
      of_plot.push_back(make_speller(plot, node));
    }
    spellers.push_back(std::move(of_plot));
    RowMasks masks{};
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
  for (int p = 0; p < static_cast<int>(plots.size()); p++) {
    std::vector<double> reach(plots[p].nodes.size()); // but for words of tries
    reach[plots[p].start] = 1;
    for (int n = plots[p].start; n > 0; n--) { // every edge leads to a lower n
      const auto& next = plots[p].nodes[n].next;
      const auto& speller = spellers[p][n];
      if (reach[n] == 0) {
        continue;
      }
      if (speller.is_trie) {
        add_trie(p, n, reach[n]);
        reach[speller.next] += reach[n];
        continue;
      }
      add_words(p, n, reach[n]);
      for (int to : next) {
        reach[to] += reach[n] / static_cast<double>(next.size());
      }
    }
  }
  double total = 0; // plots times the mean length of a story
  for (double weight : first) {
    total += weight;
  }
  for (int c = 0; c < 256; c++) {
    first[c] /= total;
    for (auto& h : anywhere[c]) {
      h.weight /= total;
    }
  }
}

void StreamFilter::State::add_trie(int plot, int node, double reach) {
  const auto& trie = spellers[plot][node].trie;
  const double each = reach / trie.nodes[0].words;
  for (size_t t = 0; t < trie.nodes.size(); t++) {
    const auto& at = trie.nodes[t];
    const double weight = each * (at.words - at.ends);
    const Hypothesis h{weight, plot, node, plot, static_cast<int>(t), 0};
    for (const auto& [c, child] : at.children) {
      add_anywhere(h, c, each * trie.nodes[child].words);
    }
  }
}

void StreamFilter::State::add_words(int plot, int node, double reach) {
  const auto& words = spellers[plot][node].words;
  for (size_t w = 0; w < words.size(); w++) {
    Hypothesis h{reach, plot, node, plot, static_cast<int>(w), 0};
    if (words[w].rows != 0) {
      auto masks = pool[plot];
      auto& rows = masks[grammar->plots()[plot].nodes[node].variable];
      h.weight *= count_rows(words[w].rows) / count_rows(rows);
      rows = words[w].rows;
      h.masks = static_cast<int>(pool.size());
      pool.push_back(masks);
    }
    for (char c : words[w].text) {
      add_anywhere(h, c, h.weight);
      h.offset++;
    }
  }
}

} // namespace llm
