// SPDX-License-Identifier: MIT

#include "llm/tokenizers/splitter.h"

#include <doctest/doctest.h>
#include <rapidcheck.h>

#include <sstream>
#include <vector>

#include "llm/core/error.h"
#include "llm/core/utf8.h"
#include "llm/tokenizers/ascii_match.h"

using Words = std::vector<std::string>;

namespace {

Words split(std::string_view pattern, std::string_view text) {
  const llm::Splitter splitter(pattern);
  Words words;
  splitter.split(text, [&](std::string_view w) { words.emplace_back(w); });
  return words;
}

/// Patterns that have loops for ASCII.
const std::vector<std::string> known_patterns = {
    std::string(llm::gpt2_pattern),
    R"(\p{N})"};

/// Cuts with the loops for ASCII and without them: in a group a pattern is not
/// known, so the regular expression engine does it all.
class BothWays {
 public:
  explicit BothWays(const std::string& pattern)
      : loops_(pattern), engine_("(?:" + pattern + ")") {}

  bool agree(std::string_view text) const {
    return words(loops_, text) == words(engine_, text);
  }

 private:
  static Words words(const llm::Splitter& splitter, std::string_view text) {
    Words out;
    splitter.split(text, [&](std::string_view w) { out.emplace_back(w); });
    return out;
  }

  llm::Splitter loops_;
  llm::Splitter engine_;
};

} // namespace

TEST_CASE("splitter: GPT-2's pattern") {
  const auto gpt2 = [](std::string_view text) {
    return split(llm::gpt2_pattern, text);
  };
  CHECK(gpt2("") == Words{});
  CHECK(
      gpt2("Hello my friend, how's 2024?") ==
      Words{"Hello", " my", " friend", ",", " how", "'s", " 2024", "?"});
  CHECK(gpt2("a   b\n\n c \n") == Words{"a", "  ", " b", "\n\n", " c", " \n"});
  CHECK(gpt2("we'll we'LL") == Words{"we", "'ll", " we", "'", "LL"});
  CHECK(gpt2("e\u0301") == Words{"e", "\u0301"}); // a mark is no letter
  CHECK(gpt2("日本語 ²Ⅷ") == Words{"日本語", " ²Ⅷ"});
}

TEST_CASE("splitter: spaces are Unicode's White_Space") {
  // U+180E is a space for PCRE2's own \s; U+200B and U+FEFF for neither.
  for (const char* space : {"\u0085", "\u00a0", "\u1680", "\u2028", "\u3000"}) {
    CHECK(split(R"(\s+)", "a" + std::string(space) + "b").size() == 3);
    CHECK(split(R"([^\S]+)", "a" + std::string(space) + "b").size() == 3);
  }
  for (const char* other : {"\u180e", "\u200b", "\ufeff"}) {
    CHECK(split(R"(\s+)", "a" + std::string(other) + "b").size() == 1);
    CHECK(split(R"(\S+)", "a" + std::string(other) + "b").size() == 1);
  }
}

TEST_CASE("splitter: what lies between matches is a word; empty matches cut") {
  CHECK(split(R"(\d)", "ab12cd") == Words{"ab", "1", "2", "cd"});
  CHECK(split("x", "abc") == Words{"abc"});
  CHECK(split("", "aé日") == Words{"a", "é", "日"});
  CHECK(split(R"((?=\p{Lu}))", "oneTwoÜber") == Words{"one", "Two", "Über"});
}

TEST_CASE("splitter: patterns that do not compile or differ are refused") {
  for (const char* pattern :
       {"(a",          "[a",         "a{2,1}",   R"(\p{Nothing})",
        R"(\)",        R"(\w)",      R"(\b)",    R"(\h)",
        R"(\1)",       R"(\K)",      "^a",       "a$",
        "[[:alpha:]]", "[a&&b]",     "[]a]",     "a{,3}",
        "a{2}+",       "(?<name>a)", "(?s).",    "(?R)",
        "(*UTF8)a",    "(?#x)",      R"([a\W])", "\xff"}) {
    CAPTURE(pattern);
    CHECK_THROWS_AS(llm::Splitter{pattern}, llm::InputError);
  }
  CHECK_THROWS_AS(llm::Splitter{std::string(5000, 'a')}, llm::InputError);
  for (const char* pattern :
       {R"(\p{L}+)",
        R"(\p{L}{2})",
        R"([^\]^$]+)",
        R"(\x{41}+)",
        R"(\[\^\$)",
        R"((?<!a)b(?>c)(?i:d))",
        "[^a-z]",
        R"([\s\d])"}) {
    CAPTURE(pattern);
    CHECK_NOTHROW(llm::Splitter{pattern});
  }
}

TEST_CASE("splitter: a pattern that needs too much time is refused") {
  const llm::Splitter splitter("(?:a+)+[^a]");
  CHECK_THROWS_WITH_AS(
      splitter.split(std::string(60, 'a'), [](std::string_view) {}),
      doctest::Contains("match limit"),
      llm::InputError);
}

TEST_CASE("splitter: the loops for ASCII cut as the pattern does") {
  // All threes of what decides in a pattern.
  std::vector<std::string> units = {std::string(1, '\0')};
  std::istringstream list(
      "a Z s re ' 's 't 'm 'd 're 've 'll 7 0 ! _ \x7f é \u017f 日 ² \u0301 "
      "\U0001f44d \u200b");
  for (std::string unit; list >> unit;) {
    units.push_back(unit);
  }
  for (const char* space : {" ", "\n", "\r", "\t", "\v", "\u00a0", "\u2028"}) {
    units.emplace_back(space);
  }
  for (const std::string& pattern : known_patterns) {
    CAPTURE(pattern);
    REQUIRE(bool(llm::ascii_matcher(pattern)));
    REQUIRE_FALSE(bool(llm::ascii_matcher("(?:" + pattern + ")")));
    const BothWays ways(pattern);
    for (const std::string& a : units) {
      for (const std::string& b : units) {
        for (const std::string& c : units) {
          const bool agree = ways.agree(a + b + c);
          if (!agree) {
            FAIL(llm::quote(a + b + c));
          }
        }
      }
    }
    CHECK(rc::check("texts of these", [&] {
      std::string text;
      const auto parts = *rc::gen::container<std::vector<size_t>>(
          rc::gen::inRange<size_t>(0, units.size()));
      for (size_t part : parts) {
        text += units[part];
      }
      RC_ASSERT(ways.agree(text));
    }));
    CHECK(rc::check("bytes that were made UTF-8", [&] {
      RC_ASSERT(ways.agree(
          llm::replace_invalid_utf8(*rc::gen::arbitrary<std::string>())));
    }));
  }
}

TEST_CASE("splitter: the loops for ASCII know every character") {
  for (const std::string& pattern : known_patterns) {
    CAPTURE(pattern);
    const BothWays ways(pattern);
    for (char32_t c = 0; c < 0x110000; c += c < 0x3000 ? 1 : 97) {
      if (c < 0xd800 || c >= 0xe000) {
        std::string one;
        llm::append_utf8(one, c);
        const bool agree = ways.agree("a" + one + " " + one + " \n " + one);
        if (!agree) {
          FAIL(llm::quote(one));
        }
      }
    }
  }
}

TEST_CASE("splitter: long runs take linear time either way") {
  for (const std::string& pattern : known_patterns) {
    const BothWays ways(pattern);
    for (const char* end : {"", "x", " ", "é", "7"}) {
      for (char c : {'a', ' ', '\n', '!', '7', '\''}) {
        CHECK(ways.agree(std::string(300'000, c) + end));
      }
    }
    std::string mixed; // the engine is asked at each word
    for (int i = 0; i < 50'000; ++i) {
      mixed += "word é ";
    }
    CHECK(ways.agree(mixed));
  }
}
