// SPDX-License-Identifier: MIT
//
// What the bundled corpus promises: enough words and plots, known entropy, no
// story in both parts, and much to learn beyond 5-grams.

#include <doctest/doctest.h>

#include <cctype>
#include <cmath>
#include <map>
#include <set>
#include <unordered_set>

#include "llm/core/sha256.h"
#include "llm/data/ngram.h"
#include "llm/data/tiny_tales.h"

using namespace llm;

namespace {

const Tales& tales() {
  static const Tales one = generate_tales();
  return one;
}

std::vector<std::string> stories(const std::string& text) {
  std::vector<std::string> parts;
  for (size_t at = 0; at < text.size();) {
    const auto end = text.find("\n\n", at);
    REQUIRE(end != std::string::npos);
    parts.push_back(text.substr(at, end - at));
    at = end + 2;
  }
  return parts;
}

std::set<std::string> words(const std::string& text) {
  std::set<std::string> found;
  std::string word;
  for (char c : text) {
    if (std::isalpha(static_cast<unsigned char>(c)) != 0) {
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else {
      found.insert(word);
      word.clear();
    }
  }
  found.erase("");
  return found;
}

} // namespace

TEST_CASE("tiny-tales: plots, words, alphabet and length") {
  CHECK(tales_grammar().plots().size() >= 30);
  CHECK(words(tales().train).size() >= 600);
  CHECK(words(tales().validation).size() >= 600);
  const std::set<char> alphabet(tales().train.begin(), tales().train.end());
  CHECK(alphabet.size() <= 62);
  for (char c : alphabet) {
    const bool known = std::isalpha(static_cast<unsigned char>(c)) != 0 ||
        std::string(" \n.,:;!?'\"").find(c) != std::string::npos;
    CHECK(known);
  }
  for (char c : tales().validation) {
    REQUIRE(alphabet.count(c) == 1);
  }
  for (const auto& story : stories(tales().train)) {
    REQUIRE(story.size() >= 300);
    REQUIRE(story.size() <= 700);
    REQUIRE(story.find('\n') == std::string::npos);
    REQUIRE(story.find("  ") == std::string::npos);
    REQUIRE(std::isupper(static_cast<unsigned char>(story[0])) != 0);
    REQUIRE(std::string(".!\"").find(story.back()) != std::string::npos);
  }
}

TEST_CASE("tiny-tales: the same bytes everywhere") {
  const auto again = generate_tales(1, 50, 5);
  CHECK(tales().train.compare(0, again.train.size(), again.train) == 0);
  CHECK(generate_tales(2, 50, 5).train != again.train);
  CHECK(
      sha256_hex(again.train + again.validation) ==
      "66083cd7f15b21041ef4035c18b5bb93cfcbda216998868f62d918791c6c7dec");
}

TEST_CASE("tiny-tales: no story occurs twice, none in both parts") {
  std::unordered_set<std::string> seen;
  const auto train = stories(tales().train);
  const auto validation = stories(tales().validation);
  for (const auto* part : {&train, &validation}) {
    for (const auto& story : *part) {
      CHECK(seen.insert(story).second);
    }
  }
  CHECK(tales_grammar().statistics().log_stories > 100); // 10^43 stories
}

TEST_CASE("tiny-tales: no text has two derivations") {
  const auto found = find_ambiguity(tales_grammar());
  CHECK_MESSAGE(!found, found.value_or(""));
}

TEST_CASE("tiny-tales: drawn stories cost what the exact entropy says") {
  const auto exact = tales_grammar().statistics();
  double sum = 0;
  double squares = 0;
  double characters = 0;
  const auto sample = stories(tales().validation);
  for (const auto& story : sample) {
    const double cost = -tale_log_probability(story);
    REQUIRE(std::isfinite(cost));
    sum += cost;
    squares += cost * cost;
    characters += static_cast<double>(story.size()) + 2;
  }
  const auto n = static_cast<double>(sample.size());
  const double mean = sum / n;
  const double error = std::sqrt((squares / n - mean * mean) / n);
  CHECK(std::abs(mean - exact.entropy_per_story) < 4 * error);
  CHECK(characters / n == doctest::Approx(exact.mean_chars).epsilon(0.02));
  CHECK(source_entropy_nats_per_char() == exact.nats_per_char());
  CHECK(std::isinf(tale_log_probability("Once upon a time.")));
}

TEST_CASE("tiny-tales: a 5-gram stays 0.2 nats above every floor") {
  std::map<char, int32_t> ids;
  for (char c : std::set<char>(tales().train.begin(), tales().train.end())) {
    ids.emplace(c, static_cast<int32_t>(ids.size()));
  }
  const auto encode = [&](const std::string& text) {
    std::vector<int32_t> out;
    for (char c : text) {
      out.push_back(ids.at(c));
    }
    return out;
  };
  const double five_gram = witten_bell(
      encode(tales().train),
      encode(tales().validation),
      static_cast<int>(ids.size()),
      5);
  double before = 100;
  for (int context : {64, 128, 256}) {
    const auto floor = tales_floor(tales().validation, context, 100);
    MESSAGE(
        "context ",
        context,
        ": floor ",
        floor.fixed_windows,
        " +- ",
        floor.fixed_error,
        ", sliding ",
        floor.sliding,
        ", source ",
        floor.source,
        ", Witten-Bell 5-gram ",
        five_gram);
    CHECK(five_gram > floor.fixed_windows + 0.2);
    CHECK(five_gram > floor.sliding + 0.2);
    CHECK(floor.fixed_windows > floor.source);
    CHECK(floor.fixed_windows < before);
    CHECK(floor.sliding < floor.fixed_windows);
    before = floor.fixed_windows;
  }
}
