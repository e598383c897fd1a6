// SPDX-License-Identifier: MIT
//
// Drawing stories and the exact figures of the grammar. The entropy of a list
// counts once per story, when its row becomes known; a pronoun alone tells a
// part of it. So the dynamic programme walks over (node, columns seen so far).

#include "llm/data/grammar.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "llm/core/error.h"
#include "llm/data/grammar_parser.h"
#include "llm/data/stream_filter.h"

namespace llm {
namespace {

using Kind = GrammarNode::Kind;

double log_add(double a, double b) {
  const double high = std::max(a, b);
  return high + std::log(std::exp(a - high) + std::exp(b - high));
}

// The figures of everything that can follow a node.
class PlotStatistics {
 public:
  explicit PlotStatistics(const Plot& plot) : plot_(plot) {}

  GrammarStatistics run() {
    return from(plot_.start, std::vector<uint32_t>(plot_.variables.size()));
  }

 private:
  // Rows that agree in the columns of `seen`: cell -> how many rows.
  std::map<std::vector<std::string>, int> cells(int variable, uint32_t seen) {
    std::map<std::vector<std::string>, int> result;
    for (const auto& row : plot_.variables[variable].rows) {
      std::vector<std::string> key;
      for (size_t c = 0; c < row.size(); c++) {
        if (seen >> c & 1) {
          key.push_back(row[c]);
        }
      }
      result[key]++;
    }
    return result;
  }

  // Adds the columns that are known once those of `seen` are.
  uint32_t closure(int variable, uint32_t seen) {
    const auto [entry, is_new] =
        closures_.emplace(std::make_pair(variable, seen), seen);
    if (is_new) {
      const size_t count = cells(variable, seen).size();
      const auto columns = plot_.variables[variable].rows[0].size();
      for (size_t c = 0; c < columns; c++) {
        if (cells(variable, seen | 1u << c).size() == count) {
          entry->second |= 1u << c;
        }
      }
    }
    return entry->second;
  }

  // What a list adds once these columns are known: entropy, log of the cells.
  const GrammarStatistics& of_list(int variable, uint32_t seen) {
    const auto [entry, is_new] = lists_.try_emplace({variable, seen});
    if (is_new) {
      const auto parts = cells(variable, seen);
      const auto rows =
          static_cast<double>(plot_.variables[variable].rows.size());
      entry->second.log_stories = std::log(static_cast<double>(parts.size()));
      for (const auto& [cell, count] : parts) {
        entry->second.entropy_per_story -=
            count / rows * std::log(count / rows);
      }
    }
    return entry->second;
  }

  GrammarStatistics at_end(const std::vector<uint32_t>& seen) {
    GrammarStatistics sum;
    for (size_t v = 0; v < seen.size(); v++) {
      const auto& list = of_list(static_cast<int>(v), seen[v]);
      sum.log_stories += list.log_stories;
      sum.entropy_per_story += list.entropy_per_story;
    }
    return sum;
  }

  GrammarStatistics at_choice(
      const GrammarNode& node,
      const std::vector<uint32_t>& seen) {
    const auto ways = static_cast<double>(node.next.size());
    GrammarStatistics sum;
    sum.log_stories = -INFINITY;
    sum.entropy_per_story = std::log(ways);
    std::map<int, GrammarStatistics> after; // many words lead to one node
    for (int next : node.next) {
      const auto& word = plot_.nodes[next];
      const bool is_text = word.kind == Kind::text;
      const int then = is_text ? word.next[0] : next;
      if (!after.count(then)) {
        after[then] = from(then, seen);
      }
      const auto& branch = after[then];
      const auto chars = is_text ? static_cast<double>(word.text.size()) : 0;
      sum.entropy_per_story += branch.entropy_per_story / ways;
      sum.mean_chars += (branch.mean_chars + chars) / ways;
      sum.log_stories = log_add(sum.log_stories, branch.log_stories);
    }
    return sum;
  }

  GrammarStatistics at_slot(
      const GrammarNode& node,
      std::vector<uint32_t> seen) {
    auto& columns = seen[node.variable];
    columns = closure(node.variable, columns | 1u << node.column);
    auto sum = from(node.next[0], seen);
    const auto& rows = plot_.variables[node.variable].rows;
    for (const auto& row : rows) {
      sum.mean_chars += static_cast<double>(row[node.column].size()) /
          static_cast<double>(rows.size());
    }
    return sum;
  }

  GrammarStatistics from(int index, const std::vector<uint32_t>& seen) {
    const auto key = std::make_pair(index, seen);
    if (const auto known = memory_.find(key); known != memory_.end()) {
      return known->second;
    }
    const auto& node = plot_.nodes[index];
    GrammarStatistics result;
    if (node.kind == Kind::end) {
      result = at_end(seen);
    } else if (node.kind == Kind::choice) {
      result = at_choice(node, seen);
    } else if (node.kind == Kind::slot) {
      result = at_slot(node, seen);
    } else {
      result = from(node.next[0], seen);
      result.mean_chars += static_cast<double>(node.text.size());
    }
    return memory_[key] = result;
  }

  const Plot& plot_;
  std::map<std::pair<int, std::vector<uint32_t>>, GrammarStatistics> memory_;
  std::map<std::pair<int, uint32_t>, uint32_t> closures_;
  std::map<std::pair<int, uint32_t>, GrammarStatistics> lists_;
};

} // namespace

Grammar::Grammar(const GrammarText& text) {
  if (text.plots.empty()) {
    throw InputError("Grammar", "expected at least one plot; add one.");
  }
  for (const auto& plot : text.plots) {
    plots_.push_back(compile_plot(plot, text));
  }
}

std::string Grammar::generate(Random& random) const {
  const auto& plot = plots_[random.below(plots_.size())];
  std::vector<size_t> row;
  for (const auto& variable : plot.variables) {
    row.push_back(random.below(variable.rows.size()));
  }
  std::string story;
  int at = plot.start;
  while (plot.nodes[at].kind != Kind::end) {
    const auto& node = plot.nodes[at];
    if (node.kind == Kind::text) {
      story += node.text;
    } else if (node.kind == Kind::slot) {
      story +=
          plot.variables[node.variable].rows[row[node.variable]][node.column];
    }
    at = node.next
             [node.kind == Kind::choice ? random.below(node.next.size()) : 0];
  }
  return story;
}

double Grammar::log_probability(std::string_view story) const {
  StreamFilter filter(*this);
  return filter.log_probability(story);
}

GrammarStatistics Grammar::statistics() const {
  const auto ways = static_cast<double>(plots_.size());
  GrammarStatistics sum;
  sum.entropy_per_story = std::log(ways);
  sum.log_stories = -INFINITY;
  for (const auto& plot : plots_) {
    const auto one = PlotStatistics(plot).run();
    sum.entropy_per_story += one.entropy_per_story / ways;
    sum.mean_chars += one.mean_chars / ways;
    sum.log_stories = log_add(sum.log_stories, one.log_stories);
  }
  return sum;
}

} // namespace llm
