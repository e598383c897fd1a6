// SPDX-License-Identifier: MIT
//
// Topic 1. Ids and merges that are not counted by hand are those of Hugging
// Face's tokenizers (tests/golden/make_exercises.py).

#include "exercises/include/tokenizer.h"

#include "exercises/tests/expect.h"
#include "exercises/tests/golden.h"

using ex::Pair;
using Ids = std::vector<int>;
using Counts = std::map<Pair, int>;
using Merges = std::vector<Pair>;

namespace {

std::string text_of(const Counts& counts) {
  std::string out;
  for (const auto& [pair, count] : counts) {
    out += (out.empty() ? "" : ", ") + ex::text(pair) + ": " + ex::text(count);
  }
  return "{" + out + "}";
}

void expect_counts(const Ids& ids, const Counts& want) {
  const Counts got = ex::count_pairs(ids);
  ex::expect(
      "count_pairs(" + ex::text(ids) + "): expected " + text_of(want) +
          " but received " + text_of(got),
      got == want);
}

void expect_merged(const Ids& ids, Pair pair, const Ids& want) {
  ex::expect_equal(
      "merge_pair(" + ex::text(ids) + ", " + ex::text(pair) + ", 9)",
      ex::merge_pair(ids, pair, 9),
      want);
}

void expect_ids(
    const std::string& text,
    const Merges& merges,
    const Ids& want) {
  ex::expect_equal(
      "encode(\"" + text + "\") with the merges " + ex::text(merges),
      ex::encode(text, merges),
      want);
}

void expect_merges(const std::string& text, int count, const Merges& want) {
  ex::expect_equal(
      "learn_merges(\"" + text + "\", " + ex::text(count) + ")",
      ex::learn_merges(text, count),
      want);
}

/** A text as its bytes. */
std::string golden_text(const std::string& name) {
  const Ids bytes = ex::golden_ids(name);
  return std::string(bytes.begin(), bytes.end());
}

/** What was learned from tokenizer.train: left, right, left, right, ... */
Merges golden_merges() {
  const Ids flat = ex::golden_ids("tokenizer.merges");
  Merges merges;
  for (size_t i = 0; i < flat.size(); i += 2) {
    merges.push_back({flat[i], flat[i + 1]});
  }
  return merges;
}

} // namespace

TEST_CASE("1.1 count_pairs: each pair of neighbours, the last one too") {
  expect_counts({1, 2, 1, 2}, {{{1, 2}, 2}, {{2, 1}, 1}});
  expect_counts({1, 2, 3}, {{{1, 2}, 1}, {{2, 3}, 1}});
}

TEST_CASE("1.1 count_pairs: left and right are different places") {
  expect_counts({5, 4}, {{{5, 4}, 1}});
}

TEST_CASE("1.1 count_pairs: pairs may overlap") {
  expect_counts({7, 7, 7}, {{{7, 7}, 2}});
}

TEST_CASE("1.1 count_pairs: no pair in a text of no token or one") {
  expect_counts({}, {});
  expect_counts({3}, {});
}

TEST_CASE("1.2 merge_pair: every place, the others stay") {
  expect_merged({1, 2, 3, 1, 2}, {1, 2}, {9, 3, 9});
  expect_merged({4, 5, 6}, {1, 2}, {4, 5, 6});
}

TEST_CASE("1.2 merge_pair: a token is used once, from the left") {
  expect_merged({7, 7, 7}, {7, 7}, {9, 7});
  expect_merged({7, 7, 7, 7}, {7, 7}, {9, 9});
}

TEST_CASE("1.2 merge_pair: the new token is not merged at once") {
  expect_merged({9, 9, 9, 9}, {9, 9}, {9, 9});
}

TEST_CASE("1.2 merge_pair: the last token stays, merged or not") {
  expect_merged({1, 2, 1}, {1, 2}, {9, 1});
  expect_merged({3, 1, 2}, {1, 2}, {3, 9});
}

TEST_CASE("1.2 merge_pair: a text of no token or one") {
  expect_merged({}, {1, 2}, {});
  expect_merged({1}, {1, 1}, {1});
}

TEST_CASE("1.3 encode: without merges the bytes, none negative") {
  expect_ids("ab", {}, {97, 98});
  expect_ids("é", {}, {195, 169});
  expect_ids("", {{97, 98}}, {});
}

TEST_CASE("1.3 encode: merges that build on merges") {
  const Merges merges = {{97, 97}, {256, 97}, {257, 98}};
  expect_ids("aaabdaaabac", merges, {258, 100, 258, 97, 99});
}

TEST_CASE("1.3 encode: what was learned first, not what stands first") {
  // "abc": b c was learned before a b.
  expect_ids("abc", {{98, 99}, {97, 98}}, {97, 256});
}

TEST_CASE("1.3 encode: what was learned first, not what is longest") {
  // "abcd" could be [ab] + [cd]; but b c comes first and blocks both.
  expect_ids("abcd", {{98, 99}, {97, 98}, {99, 100}}, {97, 256, 100});
}

TEST_CASE("1.3 encode: the ids of Hugging Face's tokenizers") {
  expect_ids(
      golden_text("tokenizer.text"),
      golden_merges(),
      ex::golden_ids("tokenizer.ids"));
}

TEST_CASE("1.4 learn_merges: the most frequent pair first") {
  expect_merges("xyaxybxyc", 1, {{120, 121}});
}

TEST_CASE("1.4 learn_merges: counts again after each merge") {
  expect_merges("aaabdaaabac", 3, {{97, 97}, {97, 98}, {256, 257}});
}

TEST_CASE("1.4 learn_merges: the smaller of equally frequent pairs") {
  expect_merges("cdab", 1, {{97, 98}});
  expect_merges("acab", 1, {{97, 98}});
}

TEST_CASE("1.4 learn_merges: stops when no neighbours are left") {
  expect_merges("ab", 5, {{97, 98}});
  expect_merges("a", 5, {});
  expect_merges("", 5, {});
}

TEST_CASE("1.4 learn_merges: bytes, none negative") {
  expect_merges("éé", 1, {{195, 169}});
}

TEST_CASE("1.4 learn_merges: the merges of Hugging Face's tokenizers") {
  const Merges want = golden_merges();
  expect_merges(
      golden_text("tokenizer.train"), static_cast<int>(want.size()), want);
}
