// SPDX-License-Identifier: MIT
//
// Recursive descent over the notation of grammar.h. Every fault is an
// InputError that names the plot and shows the text where reading stopped.

#include "llm/data/grammar_parser.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "llm/core/error.h"

namespace llm {
namespace {

constexpr size_t max_rows = 64; // a set of rows is one 64-bit mask
constexpr size_t max_columns = 8;
constexpr size_t max_variables = 16;
constexpr int max_depth = 16; // of fragments in fragments

struct Item {
  GrammarNode::Kind kind = GrammarNode::Kind::text;
  std::string text; // text: characters; slot: the column's name
  std::vector<std::vector<Item>> branches; // choice
};

[[noreturn]] void fault(const std::string& plot, const std::string& what) {
  throw InputError("Grammar", "plot \"" + plot + "\": " + what);
}

std::string trim(std::string_view s) {
  const auto first = std::min(s.find_first_not_of(" \n"), s.size());
  return std::string(s.substr(first, s.find_last_not_of(" \n") + 1 - first));
}

std::vector<std::string> split(std::string_view s, char at) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (true) {
    const auto end = s.find(at, begin);
    parts.push_back(trim(s.substr(begin, end - begin)));
    if (end == std::string_view::npos) {
      return parts;
    }
    begin = end + 1;
  }
}

// A line break and the spaces around it count as one space.
std::string one_line(const std::string& text) {
  std::string line;
  for (const auto& part : split(text, '\n')) {
    line +=
        (line.empty() || line.back() == '|' || part.empty() ? "" : " ") + part;
  }
  return line;
}

struct List {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

List parse_list(const std::string& plot, const std::string& text) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) {
    fault(plot, "expected \"name: row | row\" but received \"" + text + "\"");
  }
  List list;
  for (const auto& name : split(std::string_view(text).substr(0, colon), ' ')) {
    if (!name.empty()) {
      list.columns.push_back(name);
    }
  }
  for (const auto& row : split(std::string_view(text).substr(colon + 1), '|')) {
    list.rows.push_back(split(row, '/'));
    const auto& cells = list.rows.back();
    const auto empty = std::count(cells.begin(), cells.end(), "");
    if (cells.size() != list.columns.size() || empty > 0) {
      fault(
          plot,
          "row \"" + row + "\" must have " +
              std::to_string(list.columns.size()) +
              " cells separated by \"/\", none empty");
    }
  }
  if (list.columns.empty() || list.columns.size() > max_columns ||
      list.rows.size() > max_rows) {
    fault(plot, "a list has 1 to 8 columns and 1 to 64 rows: " + text);
  }
  if (std::set(list.rows.begin(), list.rows.end()).size() != list.rows.size()) {
    fault(plot, "a row occurs twice in the list \"" + text + "\"");
  }
  return list;
}

std::string capitalized(std::string s) {
  s[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(s[0])));
  return s;
}

class Compiler {
 public:
  Compiler(const PlotText& plot, const GrammarText& grammar)
      : source_(plot), grammar_(grammar) {
    for (const auto& text : grammar.lists) {
      lists_.push_back(parse_list(plot.title, text));
    }
    for (const auto& text : plot.lists) {
      lists_.push_back(parse_list(plot.title, text));
    }
    for (size_t i = 0; i < lists_.size(); i++) {
      for (const auto& column : lists_[i].columns) {
        if (!columns_.emplace(column, i).second) {
          fault(plot.title, "the name {" + column + "} is given twice");
        }
      }
    }
  }

  Plot compile() {
    plot_.title = source_.title;
    const auto text = one_line(source_.text);
    auto items = parse(text, 0);
    items.push_back({GrammarNode::Kind::text, grammar_.separator, {}});
    plot_.nodes.push_back({}); // the end
    plot_.start = build(items, 0);
    for (size_t i = grammar_.lists.size(); i < lists_.size(); i++) {
      if (!variable_of_list_.count(i)) {
        fault(source_.title, "{" + lists_[i].columns[0] + "} is never used");
      }
    }
    return std::move(plot_);
  }

 private:
  std::vector<Item> parse(std::string_view text, int depth) {
    size_t at = 0;
    auto items = parse_sequence(text, at, depth);
    if (at != text.size()) {
      fault(
          source_.title,
          "unexpected \"" + std::string(text.substr(at, 40)) + "\"");
    }
    return items;
  }

  // Reads to the end or to a "|" or "]" that belongs to the caller.
  std::vector<Item>
  parse_sequence(std::string_view text, size_t& at, int depth) {
    std::vector<Item> items;
    while (at < text.size() && text[at] != '|' && text[at] != ']') {
      const char c = text[at];
      if (c == '[') {
        items.push_back(parse_choice(text, at, depth));
      } else if (c == '{') {
        items.push_back({GrammarNode::Kind::slot, enclosed(text, at, '}'), {}});
      } else if (c == '<') {
        auto pasted = fragment(enclosed(text, at, '>'), depth + 1);
        items.insert(items.end(), pasted.begin(), pasted.end());
      } else {
        const auto end = std::min(text.find_first_of("[{<|]", at), text.size());
        items.push_back(
            {GrammarNode::Kind::text,
             std::string(text.substr(at, end - at)),
             {}});
        at = end;
      }
    }
    return items;
  }

  Item parse_choice(std::string_view text, size_t& at, int depth) {
    const auto begin = at;
    Item item{GrammarNode::Kind::choice, "", {}};
    do {
      at++; // "[" or "|"
      item.branches.push_back(parse_sequence(text, at, depth));
    } while (at < text.size() && text[at] == '|');
    if (at == text.size()) {
      fault(
          source_.title,
          "no \"]\" for \"" + std::string(text.substr(begin, 40)) + "\"");
    }
    at++;
    return item;
  }

  std::string enclosed(std::string_view text, size_t& at, char close) {
    const auto end = text.find(close, at);
    if (end == std::string_view::npos) {
      fault(
          source_.title,
          std::string("no \"") + close + "\" for \"" +
              std::string(text.substr(at, 40)) + "\"");
    }
    std::string name(text.substr(at + 1, end - at - 1));
    at = end + 1;
    return name;
  }

  std::vector<Item> fragment(const std::string& name, int depth) {
    for (const auto& [known, text] : grammar_.fragments) {
      if (known == name && depth <= max_depth) {
        return parse(text, depth);
      }
    }
    fault(
        source_.title,
        depth > max_depth ? "<" + name + "> contains itself"
                          : "no fragment is called <" + name + ">");
  }

  // Adds the nodes of `items`, which lead to node `next`; returns the first.
  int build(const std::vector<Item>& items, int next) {
    for (auto item = items.rbegin(); item != items.rend(); ++item) {
      GrammarNode node;
      node.kind = item->kind;
      if (item->kind == GrammarNode::Kind::choice) {
        for (const auto& branch : item->branches) {
          node.next.push_back(build(branch, next));
        }
      } else {
        node.next.push_back(next);
        node.text = item->text;
        if (item->kind == GrammarNode::Kind::slot) {
          bind(node, item->text);
        }
      }
      next = static_cast<int>(plot_.nodes.size());
      plot_.nodes.push_back(std::move(node));
    }
    return next;
  }

  // Finds {name}; {Name} is {name} with a capital if there is no {Name}.
  void bind(GrammarNode& node, const std::string& name) {
    std::string column = name;
    if (!name.empty() && !columns_.count(name)) {
      column[0] =
          static_cast<char>(std::tolower(static_cast<unsigned char>(name[0])));
    }
    const auto found = columns_.find(column);
    if (found == columns_.end()) {
      fault(source_.title, "no list has a column {" + name + "}");
    }
    const auto [entry, is_new] = variable_of_list_.emplace(
        found->second, static_cast<int>(plot_.variables.size()));
    if (is_new) {
      plot_.variables.push_back(
          {lists_[found->second].columns[0], lists_[found->second].rows});
    }
    if (plot_.variables.size() > max_variables) {
      fault(source_.title, "uses more than 16 lists");
    }
    node.variable = entry->second;
    node.column = column_index(found->second, column, column != name);
  }

  // The column of a name; a capitalized copy is added when first used.
  int column_index(size_t list, const std::string& name, bool capital) {
    const auto& names = lists_[list].columns;
    int index = 0;
    while (names[index] != name) {
      index++;
    }
    if (!capital) {
      return index;
    }
    const auto key = std::make_pair(list, index);
    auto& rows = plot_.variables[variable_of_list_.at(list)].rows;
    const auto [entry, is_new] =
        capital_.emplace(key, static_cast<int>(rows[0].size()));
    if (is_new) {
      for (auto& row : rows) {
        row.push_back(capitalized(row[index]));
      }
    }
    return entry->second;
  }

  const PlotText& source_;
  const GrammarText& grammar_;
  std::vector<List> lists_;               // shared lists, then the plot's own
  std::map<std::string, size_t> columns_; // column name -> list
  std::map<size_t, int> variable_of_list_;
  std::map<std::pair<size_t, int>, int> capital_;
  Plot plot_;
};

} // namespace

Plot compile_plot(const PlotText& plot, const GrammarText& grammar) {
  return Compiler(plot, grammar).compile();
}

} // namespace llm
