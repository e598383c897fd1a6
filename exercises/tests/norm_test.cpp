// SPDX-License-Identifier: MIT
//
// Topic 3 against MLX's own operations and gradients.

#include "exercises/include/norm.h"

#include "exercises/tests/expect_array.h"

using ex::expect_near;

namespace {

constexpr float eps = 1e-5f;

/** mx::fast::layer_norm with weight 1, bias 0. */
mx::array plain_norm(const mx::array& x) {
  return mx::fast::layer_norm(x, std::nullopt, std::nullopt, eps);
}

void expect_norm(const std::string& what, const mx::array& x) {
  const int D = x.shape(-1);
  const mx::array weight = ex::draws(1, {D}), bias = ex::draws(2, {D});
  expect_near(
      what,
      ex::layer_norm(x, weight, bias, eps),
      mx::fast::layer_norm(x, weight, bias, eps));
}

void expect_gradient(
    const std::string& what,
    const mx::array& x,
    const mx::array& dy) {
  const auto [y, dx] = mx::vjp(plain_norm, x, dy);
  expect_near(what, ex::layer_norm_gradient(x, dy, eps), dx, 1e-4);
}

} // namespace

TEST_CASE("3.1 softmax: probabilities of one row") {
  const mx::array x({1.0f, 2.0f, 3.0f});
  expect_near("softmax of [1, 2, 3]", ex::softmax(x), mx::softmax(x, -1));
}

TEST_CASE("3.1 softmax: each row by itself, along the last axis") {
  const mx::array x = ex::draws(3, {2, 3, 5});
  expect_near(
      "softmax of an array [2, 3, 5]", ex::softmax(x), mx::softmax(x, -1));
}

TEST_CASE("3.1 softmax: large scores do not overflow (take the maximum off)") {
  const mx::array x({1000.0f, 1000.0f, 0.0f});
  expect_near(
      "softmax of [1000, 1000, 0]",
      ex::softmax(x),
      mx::array({0.5f, 0.5f, 0.0f}));
}

TEST_CASE("3.1 softmax: the maximum of the row, not of the array") {
  const mx::array x({500.0f, 500.0f, -500.0f, -500.0f}, {2, 2});
  expect_near(
      "softmax of [[500, 500], [-500, -500]]",
      ex::softmax(x),
      mx::full({2, 2}, 0.5f));
}

TEST_CASE("3.2 layer_norm: as mx::fast::layer_norm, row by row") {
  expect_norm("layer_norm of an array [2, 3, 8]", ex::draws(4, {2, 3, 8}));
}

TEST_CASE("3.2 layer_norm: the variance is divided by D, not by D - 1") {
  const mx::array x({-1.0f, 1.0f}), one = mx::ones({2}), zero = mx::zeros({2});
  expect_near(
      "layer_norm of [-1, 1] without eps", ex::layer_norm(x, one, zero, 0), x);
}

TEST_CASE("3.2 layer_norm: eps is added to the variance, inside the root") {
  expect_norm("layer_norm of small numbers", ex::draws(5, {4, 8}) * 1e-3f);
}

TEST_CASE("3.2 layer_norm: a row of equal numbers is the bias") {
  const mx::array bias({1.0f, 2.0f, 3.0f});
  expect_near(
      "layer_norm of [7, 7, 7]",
      ex::layer_norm(mx::full({3}, 7.0f), mx::ones({3}), bias, eps),
      bias);
}

TEST_CASE("3.2 layer_norm: a large mean does not swallow the variance") {
  const mx::array x({10000.0f, 10001.0f, 10002.0f, 10003.0f});
  const float s = 1 / std::sqrt(1.25f + eps);
  expect_near(
      "layer_norm of [10000, 10001, 10002, 10003]",
      ex::layer_norm(x, mx::ones({4}), mx::zeros({4}), eps),
      mx::array({-1.5f * s, -0.5f * s, 0.5f * s, 1.5f * s}));
}

TEST_CASE("3.3 layer_norm_gradient: as MLX computes it") {
  expect_gradient(
      "the gradient of [2, 3, 8]",
      ex::draws(6, {2, 3, 8}),
      ex::draws(7, {2, 3, 8}));
}

TEST_CASE("3.3 layer_norm_gradient: a constant dy gives none (mean of dy)") {
  expect_gradient(
      "the gradient for dy = [1, 1, ...]",
      ex::draws(8, {3, 8}),
      mx::ones({3, 8}));
}

TEST_CASE("3.3 layer_norm_gradient: stretching gives none (mean of dy y)") {
  const mx::array x = ex::draws(9, {3, 8});
  expect_gradient("the gradient for dy = y", x, plain_norm(x));
}

TEST_CASE("3.3 layer_norm_gradient: the factor 1 / sqrt(variance + eps)") {
  expect_gradient(
      "the gradient of an input that is 20 times as large",
      ex::draws(10, {3, 8}) * 20.0f,
      ex::draws(11, {3, 8}));
}
