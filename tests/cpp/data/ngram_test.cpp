// SPDX-License-Identifier: MIT
//
// The n-gram ladder on Tiny Shakespeare to 4 digits and makemore's counts on
// names (both need MLX_TUTORIAL_DATA), and a toy text counted by hand.

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/data/ngram.h"
#include "llm/data/split.h"

using namespace llm;

namespace {

// The content of a file of the data folder; "" (and a message) without it.
std::string data_file(const std::string& name) {
  const char* folder = std::getenv("MLX_TUTORIAL_DATA");
  if (folder == nullptr || *folder == 0) {
    MESSAGE("NOT RUN: set MLX_TUTORIAL_DATA to the folder of ", name);
    return "";
  }
  const auto path = std::filesystem::path(folder) / name;
  if (!std::filesystem::exists(path)) {
    MESSAGE("NOT RUN: no ", name, " in MLX_TUTORIAL_DATA");
    return "";
  }
  return read_file(path);
}

std::map<char, int32_t> vocabulary(const std::string& text) {
  std::map<char, int32_t> ids;
  for (char c : std::set<char>(text.begin(), text.end())) {
    ids.emplace(c, static_cast<int32_t>(ids.size()));
  }
  return ids;
}

std::vector<int32_t> encode(
    const std::string& text,
    const std::map<char, int32_t>& vocabulary) {
  std::vector<int32_t> ids;
  for (char c : text) {
    ids.push_back(vocabulary.at(c));
  }
  return ids;
}

// Rounded to 4 digits, as in the table that we compare with.
double digits4(double x) {
  return std::round(x * 1e4) / 1e4;
}

} // namespace

TEST_CASE("ngram: a toy text, counted by hand") {
  // train a b a b a c, val a b, vocabulary 3
  const std::vector<int32_t> train{0, 1, 0, 1, 0, 2};
  const std::vector<int32_t> val{0, 1};
  CHECK(
      add_k(train, val, 3, 1, 1.0) ==
      doctest::Approx(-(std::log(4.0 / 9) + std::log(3.0 / 9)) / 2));
  CHECK(add_k(train, val, 3, 2, 0.5) == doctest::Approx(-std::log(2.5 / 4.5)));
  // p(b) = (2 + 3/3) / (6 + 3), p(b|a) = (2 + 2 p(b)) / (3 + 2)
  const double p_b = 3.0 / 9;
  CHECK(
      witten_bell(train, val, 3, 2) ==
      doctest::Approx(-std::log((2 + 2 * p_b) / 5)));
  const double p_a = 4.0 / 9;
  CHECK(
      witten_bell(train, val, 3, 1) ==
      doctest::Approx(-(std::log(p_a) + std::log(p_b)) / 2));
}

TEST_CASE("ngram: Witten-Bell sums to 1 over the vocabulary") {
  const std::vector<int32_t> train{0, 1, 2, 0, 1, 3, 0, 2, 2, 1, 0, 1};
  for (int n = 1; n <= 5; n++) {
    double sum = 0;
    for (int32_t last = 0; last < 5; last++) { // 4 never occurs in training
      const std::vector<int32_t> val{0, 1, 2, 0, 1, last};
      const std::vector<int32_t> without(val.begin(), val.end() - 1);
      const double loss = (7 - n) * witten_bell(train, val, 5, n) -
          (6 - n) * witten_bell(train, without, 5, n);
      sum += std::exp(-loss);
    }
    CHECK(sum == doctest::Approx(1).epsilon(1e-12));
  }
}

TEST_CASE("ngram: the ladder on Tiny Shakespeare") {
  const auto text = data_file("tinyshakespeare.txt");
  if (text.empty()) {
    return;
  }
  const auto ids = vocabulary(text);
  const auto parts = split_text(text);
  const auto train = encode(parts.train, ids);
  const auto val = encode(parts.val, ids);
  REQUIRE(ids.size() == 65);
  REQUIRE(train.size() == 1003854);
  REQUIRE(val.size() == 111540);
  const std::vector<NgramResult> expected{
      {"uniform", 0, 0, 4.1744},
      {"add-k", 1, 1, 3.3473},
      {"add-k", 2, 1, 2.4819},
      {"add-k", 3, 0.1, 2.0458},
      {"add-k", 4, 0.03, 1.7793},
      {"add-k", 5, 0.03, 1.7503},
      {"witten-bell", 2, 0, 2.4857},
      {"witten-bell", 3, 0, 2.0492},
      {"witten-bell", 4, 0, 1.7738},
      {"witten-bell", 5, 0, 1.6688},
      {"witten-bell", 6, 0, 1.6980},
      {"witten-bell", 7, 0, 1.7792},
      {"witten-bell", 8, 0, 1.8758},
  };
  const auto ladder = ngram_ladder(train, val, 65);
  REQUIRE(ladder.size() == expected.size());
  for (size_t i = 0; i < ladder.size(); i++) {
    CAPTURE(ladder[i].model);
    CAPTURE(ladder[i].n);
    CHECK(ladder[i].model == expected[i].model);
    CHECK(ladder[i].n == expected[i].n);
    CHECK(ladder[i].k == expected[i].k);
    CHECK(
        digits4(ladder[i].val_nats_per_char) ==
        doctest::Approx(expected[i].val_nats_per_char).epsilon(1e-9));
  }
}

TEST_CASE("ngram: counts on the names of makemore") {
  const auto text = data_file("names.txt");
  if (text.empty()) {
    return;
  }
  std::vector<std::vector<int32_t>> names(1);
  for (char c : text) {
    if (c == '\n') {
      names.emplace_back();
    } else {
      names.back().push_back(c - 'a' + 1);
    }
  }
  if (names.back().empty()) {
    names.pop_back();
  }
  size_t predictions = 0;
  for (const auto& name : names) {
    predictions += name.size() + 1;
  }
  CHECK(names.size() == 32033);
  CHECK(predictions == 228146);
  CHECK(digits4(std::log(27.0)) == doctest::Approx(3.2958));
  CHECK(digits4(counted_loss(names, 0, 2)) == doctest::Approx(2.4540));
  CHECK(digits4(counted_loss(names, 0, 3)) == doctest::Approx(2.1857));
}

TEST_CASE("ngram: wrong ids and texts that are too short") {
  CHECK_THROWS_AS(ngram_ladder({0, 1}, {0}, 2), InputError);
  CHECK_THROWS_AS(witten_bell({0, 7}, {0, 1}, 2, 2), InputError);
  CHECK_THROWS_AS(add_k({0, 1}, {-1, 1}, 2, 1, 1), InputError);
  CHECK_THROWS_AS(add_k({0, 1}, {0, 1}, 2, 0, 1), InputError);
  CHECK_THROWS_AS(counted_loss({}, 0, 2), InputError);
}
