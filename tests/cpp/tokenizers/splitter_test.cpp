// SPDX-License-Identifier: MIT

#include "llm/tokenizers/splitter.h"

#include <doctest/doctest.h>

#include <vector>

#include "llm/core/error.h"

using Words = std::vector<std::string>;

namespace {

Words split(std::string_view pattern, std::string_view text) {
  const llm::Splitter splitter(pattern);
  Words words;
  splitter.split(text, [&](std::string_view w) { words.emplace_back(w); });
  return words;
}

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
