// SPDX-License-Identifier: MIT
//
// The parser of grammars. Groups, repetitions and characters of several bytes
// become rules of their own, named by their place:
//   x*  ->  R ::= x R | ""        x{2,4}  ->  x x R2, R2 ::= x R1 | "", ...

#include "llm/generation/output_grammar.h"

#include <algorithm>
#include <map>
#include <optional>

#include "llm/core/error.h"
#include "llm/core/utf8.h"
#include "llm/generation/output_grammar_builder.h"
#include "llm/generation/output_grammar_character.h"

namespace llm {

namespace {

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
      (c >= '0' && c <= '9') || c == '-' || c == '_';
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view where)
      : text_(text), builder_(text, where) {}

  OutputGrammar parse() {
    builder_.rule_named("root", 0);
    skip_space();
    while (at_ < text_.size()) {
      const size_t begin = at_;
      const std::string name = read_name();
      if (name.empty() || !accept("::=")) {
        builder_.fail(begin, "expected a rule, name ::= ...");
      }
      builder_.define(builder_.rule_named(name, begin), begin, alternatives(0));
    }
    return builder_.finish();
  }

 private:
  static constexpr int deepest = 64;

  void skip_space() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (
          std::string_view(" \t\r\n").find(text_[at_]) !=
          std::string_view::npos) {
        ++at_;
      } else {
        return;
      }
    }
  }

  bool accept(std::string_view token) {
    if (text_.substr(at_, token.size()) != token) {
      return false;
    }
    at_ += token.size();
    skip_space();
    return true;
  }

  std::string read_name() {
    const size_t begin = at_;
    while (at_ < text_.size() && is_name(text_[at_])) {
      ++at_;
    }
    const std::string name(text_.substr(begin, at_ - begin));
    skip_space();
    return name;
  }

  // A name that "::=" follows begins the next rule.
  bool rule_begins() {
    const size_t begin = at_;
    const bool found = !read_name().empty() && text_.substr(at_, 3) == "::=";
    at_ = begin;
    return found;
  }

  GrammarSequences alternatives(int depth) {
    if (depth > deepest) {
      builder_.fail(at_, "expected at most 64 groups inside each other");
    }
    GrammarSequences out;
    do {
      out.push_back(sequence(depth));
    } while (accept("|"));
    return out;
  }

  GrammarSequence sequence(int depth) {
    GrammarSequence out;
    while (at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')' &&
           !rule_begins()) {
      const size_t begin = at_;
      GrammarSequence part = atom(depth);
      skip_space();
      part = repeated(std::move(part), begin);
      out.insert(out.end(), part.begin(), part.end());
    }
    return out;
  }

  GrammarSequence atom(int depth) {
    const size_t begin = at_;
    const char c = text_[at_];
    if (c == '"') {
      return literal();
    }
    if (c == '[') {
      return {character_class()};
    }
    if (c == '.') {
      ++at_;
      return {builder_.characters({{0, last_character}})};
    }
    if (accept("(")) {
      const GrammarItem group =
          builder_.define_new(begin, alternatives(depth + 1));
      if (!accept(")")) {
        builder_.fail(begin, "this group is not closed by )");
      }
      return {group};
    }
    const std::string name = read_name();
    if (name.empty()) {
      builder_.fail(
          begin, "expected a literal, a class, a group or the name of a rule");
    }
    return {builder_.rule_named(name, begin)};
  }

  GrammarSequence literal() {
    const size_t begin = at_++;
    GrammarSequence out;
    while (true) {
      if (at_ >= text_.size() || text_[at_] == '\n') {
        builder_.fail(begin, "this literal is not closed by \"");
      }
      if (text_[at_] == '"') {
        ++at_;
        return out;
      }
      std::string bytes;
      append_utf8(bytes, read_grammar_character(text_, at_, builder_));
      for (unsigned char byte : bytes) {
        out.push_back(builder_.byte(byte, byte));
      }
    }
  }

  GrammarItem character_class() {
    const size_t begin = at_++;
    const bool inverted = at_ < text_.size() && text_[at_] == '^';
    at_ += inverted ? 1 : 0;
    std::vector<CharacterRange> ranges;
    while (true) {
      if (at_ >= text_.size() || text_[at_] == '\n') {
        builder_.fail(begin, "this class is not closed by ]");
      }
      if (text_[at_] == ']') {
        break;
      }
      const size_t here = at_;
      const char32_t first = read_grammar_character(text_, at_, builder_);
      char32_t last = first;
      if (text_.substr(at_, 1) == "-" && text_.substr(at_ + 1, 1) != "]") {
        ++at_;
        last = read_grammar_character(text_, at_, builder_);
      }
      if (last < first) {
        builder_.fail(
            here,
            "expected a range from a lower to a higher "
            "character");
      }
      ranges.emplace_back(first, last);
    }
    ++at_;
    ranges = normalized(ranges);
    return builder_.characters(inverted ? complement(ranges) : ranges);
  }

  GrammarSequence repeated(GrammarSequence part, size_t begin) {
    const char c = at_ < text_.size() ? text_[at_] : ' ';
    int least = c == '+' ? 1 : 0;
    std::optional<int> most;
    if (c == '?') {
      most = 1;
    }
    if (c == '{') {
      ++at_;
      skip_space();
      least = number(begin);
      most = least;
      if (accept(",")) {
        most.reset();
        if (text_.substr(at_, 1) != "}") {
          most = number(begin);
        }
      }
      if (text_.substr(at_, 1) != "}" || most.value_or(least) < least) {
        builder_.fail(begin, "expected {m}, {m,} or {m,n} with m <= n");
      }
    } else if (c != '*' && c != '+' && c != '?') {
      return part;
    }
    ++at_;
    skip_space();
    if (at_ < text_.size() &&
        std::string_view("*+?{").find(text_[at_]) != std::string_view::npos) {
      builder_.fail(begin, "expected one repetition; use a group for more");
    }
    return builder_.repeat(std::move(part), least, most, begin);
  }

  int number(size_t begin) {
    const size_t from = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      ++at_;
    }
    const std::string digits(text_.substr(from, at_ - from));
    skip_space();
    if (digits.empty() || digits.size() > 5 ||
        std::stoi(digits) > most_repetitions) {
      builder_.fail(
          begin,
          "expected repetitions from 0 to " + std::to_string(most_repetitions));
    }
    return std::stoi(digits);
  }

  std::string_view text_;
  GrammarBuilder builder_;
  size_t at_ = 0;
};

} // namespace

OutputGrammar parse_output_grammar(
    std::string_view text,
    std::string_view where) {
  if (const auto error = find_utf8_error(text)) {
    const TextPosition p = text_position(text, error->offset);
    throw InputError(
        where,
        std::to_string(p.line) + ":" + std::to_string(p.column) +
            ": expected UTF-8 but received a damaged character; save the "
            "grammar as UTF-8.");
  }
  return Parser(text, where).parse();
}

} // namespace llm
