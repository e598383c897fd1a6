// SPDX-License-Identifier: MIT
//
// Topic 2, counted by hand as fractions: the text 0 1 0 1 1, three tokens.

#include "exercises/include/ngram.h"

#include "exercises/tests/expect.h"

namespace {

const std::vector<int> small = {0, 1, 0, 1, 1};

void expect_row(int a, const std::vector<double>& want) {
  const ex::Table p = ex::bigram(small, 3);
  ex::expect("bigram: expected 3 rows", p.size() == 3);
  ex::expect("bigram: expected 3 columns", p[a].size() == 3);
  for (int b = 0; b < 3; ++b) {
    ex::expect_near(
        "bigram of [0, 1, 0, 1, 1]: p[" + ex::text(a) + "][" + ex::text(b) +
            "]",
        p[a][b],
        want[b]);
  }
}

void expect_witten_bell(
    const std::vector<int>& context,
    const std::vector<double>& want) {
  for (int token = 0; token < 3; ++token) {
    ex::expect_near(
        "witten_bell of [0, 1, 0, 1, 1]: p(" + ex::text(token) + " | " +
            ex::text(context) + ")",
        ex::witten_bell(small, context, token, 3),
        want[token]);
  }
}

} // namespace

TEST_CASE("2.1 bigram: row a is what comes after a") {
  expect_row(0, {1 / 5.0, 3 / 5.0, 1 / 5.0});
}

TEST_CASE("2.1 bigram: nothing follows the last token") {
  expect_row(1, {2 / 5.0, 2 / 5.0, 1 / 5.0});
}

TEST_CASE("2.1 bigram: a token that never came has an even row") {
  expect_row(2, {1 / 3.0, 1 / 3.0, 1 / 3.0});
}

TEST_CASE("2.1 bigram: each row sums to 1") {
  const ex::Table p = ex::bigram({3, 1, 4, 1, 5, 2, 6, 5, 3, 5}, 7);
  ex::expect("bigram: expected 7 rows", p.size() == 7);
  for (const std::vector<double>& row : p) {
    double sum = 0;
    for (double value : row) {
      sum += value;
    }
    ex::expect_near("the sum of a row", sum, 1);
  }
}

TEST_CASE("2.2 loss: log(vocab_size) if nothing is known") {
  const ex::Table even(4, std::vector<double>(4, 0.25));
  ex::expect_near(
      "loss of an even table", ex::loss(even, {0, 1, 2, 3}), std::log(4));
}

TEST_CASE("2.2 loss: the mean over n - 1 predictions, in nats") {
  const ex::Table p = {{0.5, 0.5}, {0.125, 0.875}};
  ex::expect_near(
      "loss of [0, 1, 0]",
      ex::loss(p, {0, 1, 0}),
      (std::log(2) + std::log(8)) / 2);
}

TEST_CASE("2.2 loss: p[before][after], not the other way round") {
  const ex::Table p = {{0.9, 0.1}, {0.8, 0.2}};
  ex::expect_near("loss of [0, 1]", ex::loss(p, {0, 1}), -std::log(0.1));
}

TEST_CASE("2.2 loss: 0 for one who is certain and right") {
  const ex::Table p = {{0, 1}, {1, 0}};
  ex::expect_near("loss of [0, 1, 0]", ex::loss(p, {0, 1, 0}), 0);
}

TEST_CASE("2.3 witten_bell: no context falls back to 1 / vocab_size") {
  expect_witten_bell({}, {8 / 21.0, 11 / 21.0, 2 / 21.0});
}

TEST_CASE("2.3 witten_bell: N counts different followers, not all") {
  expect_witten_bell({0}, {8 / 63.0, 53 / 63.0, 2 / 63.0});
}

TEST_CASE("2.3 witten_bell: nothing follows the last token") {
  expect_witten_bell({1}, {37 / 84.0, 43 / 84.0, 4 / 84.0});
}

TEST_CASE("2.3 witten_bell: two tokens fall back to one, and that to none") {
  expect_witten_bell({0, 1}, {79 / 168.0, 85 / 168.0, 4 / 168.0});
}

TEST_CASE("2.3 witten_bell: the oldest token goes first") {
  expect_witten_bell({1, 0}, {4 / 63.0, 58 / 63.0, 1 / 63.0});
}

TEST_CASE("2.3 witten_bell: a context that never came changes nothing") {
  expect_witten_bell({2, 1}, {37 / 84.0, 43 / 84.0, 4 / 84.0});
  expect_witten_bell({2}, {8 / 21.0, 11 / 21.0, 2 / 21.0});
}
