// SPDX-License-Identifier: MIT
//
// Topic 5 against PyTorch (tests/golden/make_exercises.py) and MLX's rope.

#include "exercises/include/block.h"

#include <vector>

#include "exercises/tests/expect_array.h"
#include "exercises/tests/golden.h"

using ex::expect_near;

namespace {

/** Layers that cannot be exchanged: the order and place of each shows. */
ex::BlockLayers number_layers() {
  return {
      .ln_1 = [](const mx::array& x) { return x * 2.0f; },
      .attn = [](const mx::array& x) { return x + 3.0f; },
      .ln_2 = [](const mx::array& x) { return x * 5.0f; },
      .mlp = [](const mx::array& x) { return x * x; }};
}

mx::array zero(const mx::array& x) {
  return mx::zeros_like(x);
}

mx::array same(const mx::array& x) {
  return x;
}

mx::array twice(const mx::array& x) {
  return x * 2.0f;
}

/** PyTorch's block of width 12 with three heads, by MLX's operations. */
ex::BlockLayers torch_layers() {
  const auto g = [](const std::string& name) {
    return ex::golden("block." + name);
  };
  const auto linear = [g](const mx::array& x, const std::string& name) {
    return mx::matmul(x, mx::transpose(g(name + "weight"))) + g(name + "bias");
  };
  const auto norm = [g](const std::string& name) {
    return [=](const mx::array& x) {
      return mx::fast::layer_norm(
          x, g(name + ".weight"), g(name + ".bias"), 1e-5f);
    };
  };
  const auto heads = [](const mx::array& x) { // [B, L, 12] -> [B, 3, L, 4]
    return mx::transpose(
        mx::reshape(x, {x.shape(0), x.shape(1), 3, 4}), {0, 2, 1, 3});
  };
  const auto attn = [=](const mx::array& x) {
    const auto qkv = mx::split(linear(x, "self_attn.in_proj_"), 3, -1);
    const mx::array y = mx::fast::scaled_dot_product_attention(
        heads(qkv[0]), heads(qkv[1]), heads(qkv[2]), 0.5f, "causal");
    return linear(
        mx::reshape(mx::transpose(y, {0, 2, 1, 3}), x.shape()),
        "self_attn.out_proj.");
  };
  const auto mlp = [=](const mx::array& x) {
    return linear(
        mx::maximum(linear(x, "linear1."), mx::array(0.0f)), "linear2.");
  };
  return {
      .ln_1 = norm("norm1"), .attn = attn, .ln_2 = norm("norm2"), .mlp = mlp};
}

void expect_rope(const mx::array& x, float base, int offset) {
  const int D = x.shape(-1);
  expect_near(
      "rope of " + ex::text(x.shape()) + " with base " + ex::text(base) +
          " and offset " + ex::text(offset),
      ex::rope(x, base, offset),
      mx::fast::rope(x, D, false, base, 1, offset),
      1e-4);
}

} // namespace

TEST_CASE("5.1 gelu: as PyTorch's, the form with tanh") {
  const mx::array x = ex::golden("gelu.x");
  expect_near("gelu", ex::gelu(x), ex::golden("gelu.y"), 1e-6);
}

TEST_CASE("5.1 gelu: at 0, 1 and -1, any shape") {
  const mx::array x({0.0f, 1.0f, -1.0f}, {1, 3, 1});
  const mx::array want({0.0f, 0.841192f, -0.158808f}, {1, 3, 1});
  expect_near("gelu of 0, 1 and -1", ex::gelu(x), want, 1e-5);
}

TEST_CASE("5.1 gelu: far out it is x or 0") {
  const mx::array x({100.0f, -100.0f, 1e4f, -1e4f});
  expect_near(
      "gelu of 100, -100, 10000, -10000",
      ex::gelu(x),
      mx::array({100.0f, 0.0f, 1e4f, 0.0f}));
}

TEST_CASE("5.2 block: a norm before each half, on what the half reads") {
  // h = 1 + (2 * 1 + 3) = 6; y = 6 + (5 * 6)^2 = 906.
  expect_near(
      "block of 1",
      ex::block(mx::ones({1, 1, 1}), number_layers()),
      mx::full({1, 1, 1}, 906.0f));
}

TEST_CASE("5.2 block: the stream passes untouched (residuals, no post-norm)") {
  const mx::array x = ex::draws(1, {2, 3, 4});
  expect_near(
      "block whose attention and MLP find nothing",
      ex::block(x, {.ln_1 = twice, .attn = zero, .ln_2 = twice, .mlp = zero}),
      x);
}

TEST_CASE("5.2 block: the MLP reads what attention has written") {
  const mx::array x = ex::draws(2, {2, 3, 4});
  expect_near(
      "block with attn(x) = x and mlp(x) = x",
      ex::block(x, {.ln_1 = same, .attn = same, .ln_2 = same, .mlp = same}),
      x * 4.0f);
}

TEST_CASE("5.2 block: as PyTorch's TransformerEncoderLayer, norm first") {
  expect_near(
      "block of [2, 6, 12]",
      ex::block(ex::golden("block.x"), torch_layers()),
      ex::golden("block.y"));
}

TEST_CASE("5.3 rope: as mx::fast::rope, halves, not neighbours") {
  expect_rope(ex::draws(3, {2, 3, 5, 8}), 10000, 0);
}

TEST_CASE("5.3 rope: the offset counts") {
  expect_rope(ex::draws(4, {1, 2, 3, 8}), 10000, 7);
}

TEST_CASE("5.3 rope: another base") {
  expect_rope(ex::draws(5, {1, 1, 4, 16}), 100, 0);
}

TEST_CASE("5.3 rope: position 0 is not turned") {
  const mx::array x = ex::draws(6, {1, 2, 1, 4});
  expect_near("rope of the first token", ex::rope(x, 10000, 0), x);
}

TEST_CASE("5.3 rope: q . k depends on the distance alone") {
  const mx::array q = ex::draws(7, {1, 1, 1, 8}),
                  k = ex::draws(8, {1, 1, 1, 8});
  const auto score = [&](int at, int other) {
    return mx::sum(ex::rope(q, 10000, at) * ex::rope(k, 10000, other));
  };
  expect_near("the score of 9 and 4 against 5 and 0", score(9, 4), score(5, 0));
}
