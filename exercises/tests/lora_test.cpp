// SPDX-License-Identifier: MIT
//
// Topic 8 against MLX's products and gradients. The matrices are not square, so
// that a wrong transposition shows.

#include "exercises/include/lora.h"

#include <vector>

#include "exercises/tests/expect_array.h"

using ex::expect_near;

namespace {

constexpr int in = 6, out = 5, rank = 2;
constexpr float scale = 1.5f;

const mx::array& weight() {
  static const mx::array w = ex::draws(1, {out, in});
  return w;
}

const mx::array& a() {
  static const mx::array matrix = ex::draws(2, {in, rank});
  return matrix;
}

const mx::array& b() {
  static const mx::array matrix = ex::draws(3, {rank, out});
  return matrix;
}

/** W + s (A B)^T by MLX, in one matrix. */
mx::array full(float s) {
  return mx::addmm(weight(), mx::transpose(b()), mx::transpose(a()), s, 1.0f);
}

void expect_linear(const mx::array& x, float s) {
  expect_near(
      "lora_linear of " + ex::text(x.shape()) + " with scale " + ex::text(s),
      ex::lora_linear(x, weight(), a(), b(), s),
      mx::matmul(x, mx::transpose(full(s))));
}

void expect_gradients(
    const mx::array& x,
    const mx::array& dy,
    const mx::array& b,
    float s) {
  const auto layer = [&](const std::vector<mx::array>& p) {
    return std::vector<mx::array>{
        mx::matmul(x, mx::transpose(weight())) +
        mx::matmul(mx::matmul(x, p[0]), p[1]) * s};
  };
  const auto [y, want] = mx::vjp(layer, {a(), b}, {dy});
  const ex::LoraGradients got = ex::lora_gradients(x, dy, a(), b, s);
  expect_near("dA", got.a, want[0], 1e-4);
  expect_near("dB", got.b, want[1], 1e-4);
}

} // namespace

TEST_CASE("8.1 lora_linear: the layer and its adapter") {
  expect_linear(ex::draws(4, {3, in}), scale);
}

TEST_CASE("8.1 lora_linear: batches of texts, [B, L, in]") {
  expect_linear(ex::draws(5, {2, 3, in}), scale);
}

TEST_CASE("8.1 lora_linear: the scale is for the adapter alone") {
  expect_linear(ex::draws(6, {3, in}), 0);
  expect_linear(ex::draws(6, {3, in}), 4);
}

TEST_CASE("8.1 lora_linear: with B = 0 nothing has changed yet") {
  const mx::array x = ex::draws(7, {3, in});
  expect_near(
      "lora_linear with B = 0",
      ex::lora_linear(x, weight(), a(), mx::zeros({rank, out}), scale),
      mx::matmul(x, mx::transpose(weight())));
}

TEST_CASE("8.2 lora_merge: W + scale (A B)^T") {
  expect_near(
      "lora_merge", ex::lora_merge(weight(), a(), b(), scale), full(scale));
}

TEST_CASE("8.2 lora_merge: transposed also where the weight is square") {
  const mx::array w = ex::draws(8, {4, 4});
  const mx::array left = ex::draws(9, {4, 1}), right = ex::draws(10, {1, 4});
  expect_near(
      "lora_merge of a square weight",
      ex::lora_merge(w, left, right, 1),
      mx::add(w, mx::outer(mx::flatten(right), mx::flatten(left))));
}

TEST_CASE("8.2 lora_merge: the scale is for the adapter alone") {
  expect_near("with scale 0", ex::lora_merge(weight(), a(), b(), 0), weight());
  expect_near("with scale 4", ex::lora_merge(weight(), a(), b(), 4), full(4));
}

TEST_CASE("8.2 lora_merge: the weight keeps its type, rounded once") {
  const mx::array half = mx::astype(weight(), mx::bfloat16);
  const mx::array delta = mx::subtract(full(scale), weight());
  expect_near(
      "lora_merge of a weight in bfloat16",
      ex::lora_merge(half, a(), b(), scale),
      mx::astype(mx::add(mx::astype(half, mx::float32), delta), mx::bfloat16),
      1e-5);
}

TEST_CASE("8.3 lora_gradients: as MLX computes them") {
  expect_gradients(ex::draws(11, {4, in}), ex::draws(12, {4, out}), b(), 1);
}

TEST_CASE("8.3 lora_gradients: summed over batches and tokens") {
  expect_gradients(
      ex::draws(13, {2, 3, in}), ex::draws(14, {2, 3, out}), b(), 1);
}

TEST_CASE("8.3 lora_gradients: the scale is in both") {
  expect_gradients(ex::draws(15, {4, in}), ex::draws(16, {4, out}), b(), scale);
}

TEST_CASE("8.3 lora_gradients: with B = 0 only B learns") {
  expect_gradients(
      ex::draws(17, {4, in}),
      ex::draws(18, {4, out}),
      mx::zeros({rank, out}),
      scale);
}
