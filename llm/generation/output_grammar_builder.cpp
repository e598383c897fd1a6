// SPDX-License-Identifier: MIT

#include "llm/generation/output_grammar_builder.h"

#include <algorithm>

#include "llm/core/error.h"
#include "llm/core/utf8.h"

namespace llm {

namespace {

constexpr size_t most_items = size_t{1} << 20;

} // namespace

void GrammarBuilder::fail(size_t offset, const std::string& reason) const {
  const TextPosition p = text_position(text_, std::min(offset, text_.size()));
  throw InputError(
      where_,
      std::to_string(p.line) + ":" + std::to_string(p.column) + ": " + reason +
          "; correct the grammar.");
}

void GrammarBuilder::count(size_t items, size_t offset) {
  size_ += items;
  if (size_ > most_items) {
    fail(
        offset,
        "expected a grammar of at most " + std::to_string(most_items) +
            " items, with all repetitions written out");
  }
}

GrammarItem GrammarBuilder::rule_named(const std::string& name, size_t offset) {
  const auto [it, is_new] =
      ids_.emplace(name, static_cast<int32_t>(rules_.size()));
  if (is_new) {
    rules_.push_back({name, offset});
  }
  return {GrammarItem::rule, it->second};
}

void GrammarBuilder::define(
    GrammarItem rule,
    size_t offset,
    GrammarSequences sequences) {
  Rule& r = rules_[rule.index];
  if (r.sequences) {
    fail(offset, "the rule " + r.name + " is defined a second time");
  }
  for (const GrammarSequence& sequence : sequences) {
    count(sequence.size() + 1, offset);
  }
  r.offset = offset;
  r.sequences = std::move(sequences);
}

GrammarItem GrammarBuilder::define_new(
    size_t offset,
    GrammarSequences sequences) {
  const GrammarItem rule{
      GrammarItem::rule, static_cast<int32_t>(rules_.size())};
  rules_.push_back({"", offset});
  define(rule, offset, std::move(sequences));
  return rule;
}

GrammarItem GrammarBuilder::bytes(const std::bitset<256>& set) {
  const auto [it, is_new] =
      set_ids_.emplace(set.to_string(), static_cast<int32_t>(sets_.size()));
  if (is_new) {
    sets_.push_back(set);
  }
  return {GrammarItem::bytes, it->second};
}

GrammarItem GrammarBuilder::byte(uint8_t first, uint8_t last) {
  std::bitset<256> set;
  for (int b = first; b <= last; ++b) {
    set.set(b);
  }
  return bytes(set);
}

GrammarItem GrammarBuilder::characters(
    const std::vector<CharacterRange>& ranges) {
  if (const auto it = classes_.find(ranges); it != classes_.end()) {
    return it->second;
  }
  std::bitset<256> single;
  GrammarSequences sequences;
  for (const CharacterRange& range : ranges) {
    for (const auto& byte_ranges : utf8_sequences(range)) {
      GrammarSequence sequence;
      for (const auto& [first, last] : byte_ranges) {
        sequence.push_back(byte(first, last));
      }
      if (sequence.size() == 1) {
        single |= sets_[sequence[0].index];
      } else {
        sequences.push_back(std::move(sequence));
      }
    }
  }
  GrammarItem out = bytes(single);
  if (!sequences.empty()) {
    if (single.any()) {
      sequences.push_back({out});
    }
    out = define_new(0, std::move(sequences));
  }
  classes_.emplace(ranges, out);
  return out;
}

GrammarSequence GrammarBuilder::repeat(
    GrammarSequence part,
    int least,
    std::optional<int> most,
    size_t offset) {
  const GrammarItem item =
      part.size() == 1 ? part[0] : define_new(offset, {std::move(part)});
  count(least, offset);
  GrammarSequence out(least, item);
  if (!most) { // R ::= item R | ""
    const GrammarItem rest{
        GrammarItem::rule, static_cast<int32_t>(rules_.size())};
    rules_.push_back({"", offset});
    define(rest, offset, {{item, rest}, {}});
    out.push_back(rest);
  } else if (*most > least) { // R1 ::= item | "", R2 ::= item R1 | "", ...
    GrammarItem rest = define_new(offset, {{item}, {}});
    for (int i = least + 1; i < *most; ++i) {
      rest = define_new(offset, {{item, rest}, {}});
    }
    out.push_back(rest);
  }
  return out;
}

void GrammarBuilder::check_all_defined() const {
  for (const Rule& rule : rules_) {
    if (!rule.sequences) {
      fail(rule.offset, "the rule " + rule.name + " is not defined");
    }
  }
}

// The rules that can be finished; without bytes: those that may be empty.
std::vector<bool> GrammarBuilder::rules_that_end(bool with_bytes) const {
  std::vector<std::vector<int32_t>> users(rules_.size());
  for (size_t i = 0; i < rules_.size(); ++i) {
    for (const GrammarSequence& sequence : *rules_[i].sequences) {
      for (const GrammarItem& item : sequence) {
        if (item.kind == GrammarItem::rule) {
          users[item.index].push_back(static_cast<int32_t>(i));
        }
      }
    }
  }
  std::vector<bool> ends(rules_.size(), false);
  const auto finishes = [&](const GrammarItem& item) {
    return item.kind == GrammarItem::rule
        ? ends[item.index]
        : with_bytes && sets_[item.index].any();
  };
  std::vector<int32_t> todo;
  for (size_t i = rules_.size(); i-- > 0;) {
    todo.push_back(static_cast<int32_t>(i));
  }
  while (!todo.empty()) {
    const int32_t id = todo.back();
    todo.pop_back();
    const GrammarSequences& all = *rules_[id].sequences;
    if (!ends[id] && std::any_of(all.begin(), all.end(), [&](const auto& s) {
          return std::all_of(s.begin(), s.end(), finishes);
        })) {
      ends[id] = true;
      todo.insert(todo.end(), users[id].begin(), users[id].end());
    }
  }
  return ends;
}

// The rules that the rule `id` may begin with.
std::vector<int32_t> GrammarBuilder::begins_with(
    int32_t id,
    const std::vector<bool>& may_be_empty) const {
  std::vector<int32_t> out;
  for (const GrammarSequence& sequence : *rules_[id].sequences) {
    for (const GrammarItem& item : sequence) {
      if (item.kind == GrammarItem::rule) {
        out.push_back(item.index);
      }
      if (item.kind != GrammarItem::rule || !may_be_empty[item.index]) {
        break;
      }
    }
  }
  return out;
}

// Depth first; a rule that is open began all that is open after it.
void GrammarBuilder::check_left_recursion(
    const std::vector<bool>& may_be_empty) const {
  enum Mark : char { fresh, open, done };
  std::vector<Mark> marks(rules_.size(), fresh);
  for (size_t root = 0; root < rules_.size(); ++root) {
    std::vector<int32_t> todo = {static_cast<int32_t>(root)};
    while (!todo.empty()) {
      const int32_t id = todo.back();
      if (marks[id] != fresh) {
        todo.pop_back();
        marks[id] = done;
        continue;
      }
      marks[id] = open;
      for (int32_t first : begins_with(id, may_be_empty)) {
        if (marks[first] == open) {
          const Rule& rule = rules_[first];
          fail(
              rule.offset,
              rule.name.empty() ? "this repeats what may be empty"
                                : "the rule " + rule.name +
                      " begins with itself (left "
                      "recursion)");
        }
        if (marks[first] == fresh) {
          todo.push_back(first);
        }
      }
    }
  }
}

OutputGrammar GrammarBuilder::finish() const {
  check_all_defined();
  const std::vector<bool> ends = rules_that_end(true);
  for (size_t i = 0; i < rules_.size(); ++i) {
    if (!ends[i]) {
      const std::string name = rules_[i].name;
      fail(
          rules_[i].offset,
          (name.empty() ? "this" : "the rule " + name) + " can never end");
    }
  }
  check_left_recursion(rules_that_end(false));
  OutputGrammar out;
  out.sets = sets_;
  for (const Rule& rule : rules_) {
    std::vector<int32_t>& starts = out.rules.emplace_back();
    for (const GrammarSequence& sequence : *rule.sequences) {
      starts.push_back(static_cast<int32_t>(out.items.size()));
      out.items.insert(out.items.end(), sequence.begin(), sequence.end());
      out.items.push_back({});
    }
  }
  return out;
}

} // namespace llm
