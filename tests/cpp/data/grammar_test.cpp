// SPDX-License-Identifier: MIT
//
// The grammar of stories on a small example that is enumerated by hand-written
// code of its own: probabilities, entropy, length, and the Bayesian reader
// against brute force over all (story, offset) pairs.

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <string>

#include "llm/core/error.h"
#include "llm/data/stream_filter.h"

using namespace llm;

namespace {

// Two plots; a name with its pronoun used before and after, a shared fragment,
// nested alternatives with a slot inside, words that share beginnings.
GrammarText small_text() {
  GrammarText text;
  text.lists = {"name he: Al/he | Amy/she | Bo/he"};
  text.fragments = {{"end", "[ok|oh]"}};
  text.plots = {
      {"one", {"pet: cat | cow"}, "{He}[ is| [has {pet}|met {name}]], {name}."},
      {"two", {}, "The [cat|cats sat|cow [a|b]] <end>. {Name} [he|x]\n   go."}};
  text.separator = "\n\n";
  return text;
}

// Every story with its probability, written out loop by loop.
std::map<std::string, double> small_stories() {
  std::map<std::string, double> p;
  const std::pair<const char*, const char*> names[] = {
      {"Al", "He"}, {"Amy", "She"}, {"Bo", "He"}};
  for (const auto& [name_text, he] : names) {
    const std::string name = name_text;
    const double each = 0.5 / 3;
    for (const std::string pet : {"cat", "cow"}) {
      p[he + (" is, " + name) + ".\n\n"] += each / 2 / 2;
      p[he + (" has " + pet + ", " + name) + ".\n\n"] += each / 2 / 2 / 2;
      p[he + (" met " + name + ", " + name) + ".\n\n"] += each / 2 / 2 / 2;
    }
    for (const std::string end : {"ok", "oh"}) {
      for (const std::string last : {"he", "x"}) {
        const auto rest = " " + end + ". " + name + " " + last + " go.\n\n";
        p["The cat" + rest] += each / 3 / 4;
        p["The cats sat" + rest] += each / 3 / 4;
        p["The cow a" + rest] += each / 3 / 2 / 4;
        p["The cow b" + rest] += each / 3 / 2 / 4;
      }
    }
  }
  return p;
}

// p(an endless stream that begins with a story begins with text[at...]).
double stream_probability(
    const std::map<std::string, double>& stories,
    const std::string& text,
    size_t at) {
  if (at == text.size()) {
    return 1;
  }
  double sum = 0;
  for (const auto& [story, p] : stories) {
    const auto length = std::min(story.size(), text.size() - at);
    if (text.compare(at, length, story, 0, length) == 0) {
      sum += p * stream_probability(stories, text, at + length);
    }
  }
  return sum;
}

// p(text) at a random place of the stream: all pairs (story, offset).
double anywhere_probability(
    const std::map<std::string, double>& stories,
    const std::string& text) {
  double sum = 0;
  double mean = 0;
  for (const auto& [story, p] : stories) {
    mean += p * static_cast<double>(story.size());
    for (size_t offset = 0; offset < story.size(); offset++) {
      const auto length = std::min(story.size() - offset, text.size());
      if (text.compare(0, length, story, offset, length) == 0) {
        sum += p * stream_probability(stories, text, length);
      }
    }
  }
  return sum / mean;
}

} // namespace

TEST_CASE("grammar: entropy, length and count equal the enumeration") {
  const Grammar grammar(small_text());
  const auto stories = small_stories();
  double total = 0;
  double entropy = 0;
  double mean = 0;
  for (const auto& [story, p] : stories) {
    total += p;
    entropy -= p * std::log(p);
    mean += p * static_cast<double>(story.size());
    CHECK(grammar.log_probability(story) == doctest::Approx(std::log(p)));
  }
  CHECK(total == doctest::Approx(1).epsilon(1e-12));
  const auto exact = grammar.statistics();
  CHECK(exact.entropy_per_story == doctest::Approx(entropy).epsilon(1e-12));
  CHECK(exact.mean_chars == doctest::Approx(mean).epsilon(1e-12));
  CHECK(
      std::exp(exact.log_stories) ==
      doctest::Approx(static_cast<double>(stories.size())));
}

TEST_CASE("grammar: generates each story as often as its probability says") {
  const Grammar grammar(small_text());
  std::map<std::string, int> seen;
  Random random(42);
  const int draws = 60000;
  for (int i = 0; i < draws; i++) {
    seen[grammar.generate(random)]++;
  }
  const auto stories = small_stories();
  CHECK(seen.size() == stories.size());
  for (const auto& [story, p] : stories) {
    const double sigma = std::sqrt(draws * p * (1 - p));
    CHECK(std::abs(seen[story] - draws * p) < 5 * sigma);
  }
}

TEST_CASE("grammar: what is not one story has probability 0") {
  const Grammar grammar(small_text());
  CHECK(std::isfinite(grammar.log_probability("He is, Al.\n\n")));
  CHECK(std::isinf(grammar.log_probability("He is, Amy.\n\n"))); // she
  CHECK(std::isinf(grammar.log_probability("He met Al, Bo.\n\n")));
  CHECK(std::isinf(grammar.log_probability("He is, Al.\n"))); // cut
  CHECK(std::isinf(grammar.log_probability("He is, Al.\n\nHe is, Al.\n\n")));
  CHECK(std::isinf(grammar.log_probability("")));
}

TEST_CASE("grammar: find_ambiguity finds what has two derivations") {
  CHECK(!find_ambiguity(Grammar(small_text())));
  GrammarText text;
  const auto ambiguous = [&](const std::string& plot) {
    text.plots = {{"p", {}, plot}};
    return find_ambiguity(Grammar(text)).has_value();
  };
  CHECK(!ambiguous("[a|ab]c"));
  CHECK(ambiguous("[a|ab][c|bc]"));
  CHECK(ambiguous("[a|a]b"));
  CHECK(ambiguous("x[ very|][ very|] sad"));
  text.lists = {"toy: car | cart"};
  CHECK(!ambiguous("a {toy}."));
  CHECK(ambiguous("a {toy}[t|]."));
  text.plots = {{"p", {}, "a [b|c]"}, {"q", {}, "[a|d] c"}};
  CHECK(find_ambiguity(Grammar(text)));
}

TEST_CASE("grammar: faults name the plot") {
  const auto compile = [](const std::string& plot, const std::string& list) {
    GrammarText text;
    text.lists = {"name he: Al/he | Amy/she"};
    text.fragments = {{"loop", "a <loop>"}};
    text.plots = {{"bad", {}, plot}};
    if (!list.empty()) {
      text.plots[0].lists = {list};
    }
    return Grammar(text);
  };
  CHECK_NOTHROW(compile("{Name} and {toy}.", "toy: car | kite"));
  CHECK_THROWS_WITH_AS(
      compile("{nam}", ""),
      "[Grammar] plot \"bad\": no list has a column {nam}",
      InputError);
  CHECK_THROWS_AS(compile("<nothing>", ""), InputError);
  CHECK_THROWS_AS(compile("<loop>", ""), InputError);
  CHECK_THROWS_AS(compile("a [b|c", ""), InputError);
  CHECK_THROWS_AS(compile("a ]", ""), InputError);
  CHECK_THROWS_AS(compile("a | b", ""), InputError);
  CHECK_THROWS_AS(compile("{name", ""), InputError);
  CHECK_THROWS_AS(compile("{}", ""), InputError);
  CHECK_THROWS_AS(compile("a {toy}", "toy: car | "), InputError);
  CHECK_THROWS_AS(compile("a {toy}", "toy: car | car"), InputError);
  CHECK_THROWS_AS(compile("a {toy}", "toy it: car/it | doll"), InputError);
  CHECK_THROWS_AS(compile("a", "toy: car | doll"), InputError);   // unused
  CHECK_THROWS_AS(compile("a {he}", "he: he | she"), InputError); // twice
  CHECK_THROWS_AS(compile("a {toy}", "car | doll"), InputError);
  CHECK_THROWS_AS(Grammar(GrammarText{}), InputError);
}

TEST_CASE("stream filter: equals brute force over all stories and offsets") {
  const Grammar grammar(small_text());
  const auto stories = small_stories();
  StreamFilter filter(grammar);
  Random random(7);
  std::string stream;
  while (stream.size() < 600) {
    stream += grammar.generate(random);
  }
  for (int trial = 0; trial < 150; trial++) {
    const auto start = random.below(stream.size() - 60);
    const auto window = stream.substr(start, 1 + random.below(45));
    filter.start_anywhere();
    double log_p = 0;
    for (char c : window) {
      log_p += filter.read(c);
    }
    CAPTURE(window);
    CHECK(
        log_p ==
        doctest::Approx(std::log(anywhere_probability(stories, window)))
            .epsilon(1e-10));
  }
}

TEST_CASE("stream filter: next characters sum to 1 and agree with read") {
  const Grammar grammar(small_text());
  StreamFilter filter(grammar);
  Random random(8);
  for (int trial = 0; trial < 30; trial++) {
    const auto text = grammar.generate(random) + grammar.generate(random);
    trial % 2 == 0 ? filter.start_anywhere() : filter.start_of_story();
    for (size_t i = trial % 2 == 0 ? random.below(20) : 0; i < text.size();
         i++) {
      const auto p = filter.next_probabilities();
      double sum = 0;
      for (double one : p) {
        sum += one;
      }
      CHECK(sum == doctest::Approx(1).epsilon(1e-10));
      const double log_p = filter.read(text[i]);
      CHECK(
          std::exp(log_p) ==
          doctest::Approx(p[static_cast<unsigned char>(text[i])]));
    }
  }
  filter.start_anywhere();
  CHECK(std::isinf(filter.read('Z')));
}

TEST_CASE("entropy floor: falls to the source's entropy with the context") {
  const Grammar grammar(small_text());
  Random random(9);
  std::string text;
  while (text.size() < 60000) {
    text += grammar.generate(random);
  }
  double before = 100;
  for (int context : {4, 16, 64, 2000}) {
    const auto floor = entropy_floor(grammar, text, context);
    CHECK(floor.fixed_windows < before);
    CHECK(floor.sliding < floor.fixed_windows);
    CHECK(floor.fixed_windows > floor.source - 4 * floor.fixed_error);
    before = floor.fixed_windows;
  }
  const auto floor = entropy_floor(grammar, text, 2000);
  CHECK(std::abs(floor.sliding - floor.source) < 4 * floor.sliding_error);
  CHECK(floor.fixed_windows - floor.source < 0.02);
  // An estimate from fewer windows agrees within its error.
  const auto all = entropy_floor(grammar, text, 16);
  const auto some = entropy_floor(grammar, text, 16, 400);
  CHECK(some.fixed_count == 400);
  CHECK(
      std::abs(some.fixed_windows - all.fixed_windows) < 4 * some.fixed_error);
  CHECK_THROWS_AS(entropy_floor(grammar, "He is blue.", 4), InputError);
  CHECK_THROWS_AS(entropy_floor(grammar, "H", 4), InputError);
  CHECK_THROWS_AS(entropy_floor(grammar, text, 0), InputError);
}
