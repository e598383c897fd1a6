// SPDX-License-Identifier: MIT
//
// Grammars: what they accept (std::regex is the oracle where it can be), and
// what is said of bad ones.

#include <regex>
#include <string>

#include <doctest/doctest.h>

#include "llm/core/error.h"
#include "llm/core/random.h"
#include "llm/core/utf8.h"
#include "llm/generation/grammar_states.h"
#include "llm/generation/utf8_ranges.h"

using llm::GrammarStates;
using llm::parse_output_grammar;
using llm::Random;

namespace {

/** "no": no output begins so; "begun": one does; "whole": it is one. */
std::string read(GrammarStates& states, std::string_view text) {
  auto state = states.start();
  for (unsigned char byte : text) {
    state = states.next(state, byte);
  }
  return state == GrammarStates::dead ? "no"
      : states.may_end(state)         ? "whole"
                                      : "begun";
}

std::string read(const std::string& grammar, std::string_view text) {
  GrammarStates states(parse_output_grammar(grammar));
  return read(states, text);
}

/** A random expression that grammars and regular expressions share, once as
 * each. No repetition of what may be empty. */
std::pair<std::string, std::string> expression(Random& random, int depth) {
  const auto pick = random.below(depth == 0 ? 3 : 7);
  if (pick == 0) {
    return {"[ab]", "[ab]"};
  }
  if (pick <= 2) {
    const std::string c(1, "abc"[random.below(3)]);
    return {"\"" + c + "\"", c};
  }
  const auto [a, x] = expression(random, depth - 1);
  const auto [b, y] = expression(random, depth - 1);
  if (pick == 3) {
    return {"(" + a + " | " + b + ")", "(?:" + x + "|" + y + ")"};
  }
  if (pick == 4) { // at least one character, so that it can be repeated
    static const char* const counts[] = {"*", "+", "?", "{2}", "{1,}", "{0,2}"};
    const std::string n = counts[random.below(6)];
    return {
        "(" + b + " (\"a\" " + a + ")" + n + ")",
        "(?:" + y + "(?:a" + x + ")" + n + ")"};
  }
  return {"(" + a + " " + b + ")", "(?:" + x + y + ")"};
}

void check_bad(const std::string& grammar, const char* reason) {
  CAPTURE(grammar);
  CHECK_THROWS_WITH_AS(
      parse_output_grammar(grammar, "g.gbnf"),
      doctest::Contains(reason),
      llm::InputError);
}

} // namespace

TEST_CASE("grammar: accepts what a regular expression accepts") {
  Random random(1);
  std::vector<std::string> texts = {""};
  for (size_t i = 0; texts.size() < 364; ++i) { // all up to 5 characters
    for (const char* c : {"a", "b", "c"}) {
      texts.push_back(texts[i] + c);
    }
  }
  int accepted = 0;
  for (int i = 0; i < 200; ++i) {
    const auto [grammar, regex] = expression(random, 4);
    CAPTURE(grammar);
    GrammarStates states(parse_output_grammar("root ::= " + grammar));
    const std::regex oracle(regex);
    for (const std::string& text : texts) {
      const bool expected = std::regex_match(text, oracle);
      REQUIRE((read(states, text) == "whole") == expected);
      accepted += expected ? 1 : 0;
    }
  }
  CHECK(accepted > 300); // of 72800: enough to be a test
}

TEST_CASE("grammar: rules may call themselves, and rules what is dead") {
  const std::string nested = R"x(
    # brackets of two kinds
    root  ::= item*
    item  ::= "(" item* ")"
            | "[" item* "]"
  )x";
  CHECK(read(nested, "") == "whole");
  CHECK(read(nested, "([()])[]") == "whole");
  CHECK(read(nested, "([(") == "begun");
  CHECK(read(nested, "([)") == "no");
  const std::string deep(3000, '(');
  CHECK(read(nested, deep) == "begun");
  CHECK(read(nested, deep + std::string(3000, ')')) == "whole");

  GrammarStates states(parse_output_grammar("root ::= \"a\"{3} | \"b\"{2,4}"));
  for (const char* text : {"aaa", "bb", "bbb", "bbbb"}) {
    CHECK(read(states, text) == "whole");
  }
  for (const char* text : {"", "a", "aa", "b"}) {
    CHECK(read(states, text) == "begun");
  }
  for (const char* text : {"aaaa", "bbbbb", "ab", "c"}) {
    CHECK(read(states, text) == "no");
  }
  CHECK(states.may_go_on(states.start()));
  const auto one = states.next(states.start(), 'a');
  const auto done = states.next(states.next(one, 'a'), 'a');
  CHECK(states.may_end(done));
  CHECK_FALSE(states.may_go_on(done));
}

TEST_CASE("grammar: characters of several bytes") {
  GrammarStates states(
      parse_output_grammar("root ::= [^a-zä\\u4e16] \"é\" [\\U0001F600-😂]?"));
  CHECK(read(states, "ßé") == "whole");
  CHECK(read(states, "Aé") == "whole");
  CHECK(read(states, "äé") == "no");
  CHECK(read(states, "世") == "no");
  CHECK(read(states, "界é😁") == "whole");
  CHECK(read(states, "界é😃") == "no");
  CHECK(read(states, "\xE7\x95") == "begun"); // a part of one
  CHECK(read(states, "\xED\xA0") == "no");    // a surrogate
  CHECK(read("root ::= .", "\xF5") == "no");
  CHECK(read("root ::= \"\\x41\\n\\\"\" [\\]\\-\\^]", "A\n\"^") == "whole");
}

TEST_CASE("grammar: ranges as bytes are the UTF-8 of their characters") {
  Random random(2);
  const char32_t edges[] = {
      0,
      0x7F,
      0x80,
      0x7FF,
      0x800,
      0xD7FF,
      0xE000,
      0xFFFF,
      0x10000,
      llm::last_character};
  for (int i = 0; i < 60; ++i) {
    char32_t a = i % 2 ? edges[random.below(10)] : random.below(0x110000);
    char32_t b = i % 3 ? edges[random.below(10)] : random.below(0x110000);
    if (a > b) {
      std::swap(a, b);
    }
    const auto sequences = llm::utf8_sequences({a, b});
    size_t bytes_accepted = 0;
    for (const auto& sequence : sequences) {
      size_t count = 1;
      for (const auto& [low, high] : sequence) {
        count *= high - low + 1;
      }
      bytes_accepted += count;
    }
    size_t expected = 0; // every character is accepted, and nothing else is
    for (char32_t c = a; c <= b; ++c) {
      if (c >= 0xD800 && c <= 0xDFFF) {
        continue;
      }
      ++expected;
      if (c - a > 300 && b - c > 300 && c % 61 != 0) {
        continue; // the count covers them
      }
      std::string text;
      llm::append_utf8(text, c);
      bool found = false;
      for (const auto& sequence : sequences) {
        bool fits = sequence.size() == text.size();
        for (size_t k = 0; fits && k < text.size(); ++k) {
          const auto byte = static_cast<uint8_t>(text[k]);
          fits = sequence[k].first <= byte && byte <= sequence[k].second;
        }
        found = found || fits;
      }
      REQUIRE(found);
    }
    REQUIRE(bytes_accepted == expected);
  }
}

TEST_CASE("grammar: says what is wrong, and where") {
  check_bad("", "[g.gbnf] 1:1: the rule root is not defined; correct");
  check_bad(
      "root ::= \"a\"\nroot ::= \"b\"", "2:1: the rule root is defined a");
  check_bad("root ::= \"a\" word", "1:14: the rule word is not defined");
  check_bad("root ::= root \"a\" | \"a\"", "1:1: the rule root begins with");
  check_bad(
      "root ::= a\na ::= b? root \"x\" | \"y\"\nb ::= \"b\"", "begins with");
  check_bad("root ::= \"a\" root", "1:1: the rule root can never end");
  check_bad("root ::= \"a\" []", "can never end");
  check_bad("root ::= (\"a\"?)*", "repeats what may be empty");
  check_bad("root ::= \"a", "1:10: this literal is not closed by \"");
  check_bad("root ::= [a-z", "1:10: this class is not closed by ]");
  check_bad("root ::= [z-a]", "1:11: expected a range from a lower");
  check_bad("root ::= (\"a\"", "1:10: this group is not closed by )");
  check_bad("root ::= \"a\" )", "1:14: expected a rule");
  check_bad("root ::= \"\\q\"", "1:11: expected an escape of");
  check_bad("root ::= \"\\uD800\"", "1:11: this is the number of no character");
  check_bad("root ::= \"a\"{3,2}", "1:10: expected {m}, {m,} or {m,n}");
  check_bad("root ::= \"a\"{99999}", "1:10: expected repetitions from 0 to");
  check_bad("root ::= \"a\"*+", "1:10: expected one repetition");
  check_bad(
      "root ::= \"a\"{0,65535} \"b\"{0,65535} \"c\"{0,65535} "
      "\"d\"{0,65535} \"e\"{0,65535}",
      "expected a grammar of at most");
  check_bad("root ::= \"\xFF\"", "1:11: expected UTF-8");
  check_bad("root = \"a\"", "1:1: expected a rule, name ::= ...");
  check_bad("root ::= " + std::string(100, '('), "64 groups inside");
  check_bad("root ::= $", "1:10: expected a literal, a class, a group");
}

TEST_CASE("grammar: a damaged text is refused in one line or understood") {
  const std::string good =
      "root ::= \"a\\x41\" [^a-z\\n]{1,3} (x | y)+ # é\nx ::= .? \"b\"\n"
      "y ::= \"[\" root* \"]\"\n";
  Random random(3);
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string text = good;
    for (uint64_t k = 0; k <= random.below(3); ++k) {
      const size_t at = random.below(text.size());
      switch (random.below(3)) {
        case 0:
          text[at] = static_cast<char>(random.below(256));
          break;
        case 1:
          text.erase(at, 1 + random.below(4));
          break;
        default:
          text.insert(at, 1, "\"[](){}|*+?\\:=,-^.#"[random.below(19)]);
      }
    }
    try {
      GrammarStates states(parse_output_grammar(text));
      read(states, "aA0b");
    } catch (const llm::InputError& error) {
      ++refused;
      REQUIRE(std::string(error.what()).find('\n') == std::string::npos);
    }
  }
  CHECK(refused > 1000);
  CHECK(refused < 3000);
}
