// SPDX-License-Identifier: MIT
//
// Topic 4 against MLX's fused attention and PyTorch's MultiheadAttention
// (tests/golden/make_exercises.py).

#include "exercises/include/attention.h"

#include "exercises/tests/expect_array.h"
#include "exercises/tests/golden.h"

using ex::expect_near;

namespace {

void expect_attention(
    const std::string& what,
    const mx::array& q,
    const mx::array& k,
    const mx::array& v) {
  const float scale = 1 / std::sqrt(static_cast<float>(q.shape(-1)));
  expect_near(
      what,
      ex::attention(q, k, v),
      mx::fast::scaled_dot_product_attention(q, k, v, scale));
}

/** `rows`: one letter for each key, x if it is seen. */
void expect_visible(
    int L,
    int S,
    int window,
    const std::vector<std::string>& rows) {
  std::vector<bool> want;
  for (const std::string& row : rows) {
    for (char c : row) {
      want.push_back(c == 'x');
    }
  }
  const std::string what = "visible(" + ex::text(L) + ", " + ex::text(S) +
      ", " + ex::text(window) + ")";
  expect_near(
      what,
      ex::visible(L, S, window),
      mx::array(want.begin(), {L, S}, mx::bool_));
}

ex::AttentionWeights torch_weights() {
  return {
      ex::golden("attention.in_proj_weight"),
      ex::golden("attention.in_proj_bias"),
      ex::golden("attention.out_proj.weight"),
      ex::golden("attention.out_proj.bias")};
}

/** PyTorch's input and output, [2, 6, 12], three heads. */
mx::array torch_x() {
  return ex::golden("attention.x");
}

} // namespace

TEST_CASE("4.1 attention: as MLX's fused operation") {
  expect_attention(
      "attention of [2, 3, 5, 8]",
      ex::draws(1, {2, 3, 5, 8}),
      ex::draws(2, {2, 3, 5, 8}),
      ex::draws(3, {2, 3, 5, 8}));
}

TEST_CASE("4.1 attention: divided by sqrt(D), not by D or not at all") {
  expect_attention(
      "attention with D = 64",
      ex::draws(4, {1, 1, 3, 64}),
      ex::draws(5, {1, 1, 3, 64}),
      ex::draws(6, {1, 1, 3, 64}));
}

TEST_CASE("4.1 attention: softmax over the keys, which may be more") {
  expect_attention(
      "attention of 2 queries and 7 keys",
      ex::draws(7, {1, 2, 2, 4}),
      ex::draws(8, {1, 2, 7, 4}),
      ex::draws(9, {1, 2, 7, 4}));
}

TEST_CASE("4.1 attention: with equal keys the mean of the values") {
  const mx::array v = ex::draws(10, {1, 1, 4, 3});
  expect_near(
      "attention with keys of zero",
      ex::attention(ex::draws(11, {1, 1, 2, 5}), mx::zeros({1, 1, 4, 5}), v),
      mx::broadcast_to(mx::mean(v, 2, true), {1, 1, 2, 3}));
}

TEST_CASE("4.2 visible: no key after the query, but the query itself") {
  expect_visible(3, 3, 0, {"x..", "xx.", "xxx"});
}

TEST_CASE("4.2 visible: the queries are the last ones of the keys") {
  expect_visible(2, 5, 0, {"xxxx.", "xxxxx"});
  expect_visible(1, 4, 0, {"xxxx"});
}

TEST_CASE("4.2 visible: a window of w shows w keys, not w + 1 or w - 1") {
  expect_visible(4, 4, 2, {"x...", "xx..", ".xx.", "..xx"});
  expect_visible(3, 3, 1, {"x..", ".x.", "..x"});
}

TEST_CASE("4.2 visible: window and cache together") {
  expect_visible(2, 6, 3, {"..xxx.", "...xxx"});
}

TEST_CASE("4.2 visible: a window as long as the text hides nothing") {
  expect_visible(3, 3, 3, {"x..", "xx.", "xxx"});
}

TEST_CASE("4.3 self_attention: as PyTorch's MultiheadAttention") {
  expect_near(
      "self_attention of [2, 6, 12] with 3 heads",
      ex::self_attention(torch_x(), torch_weights(), 3),
      ex::golden("attention.y"));
}

TEST_CASE("4.3 self_attention: one head is not three") {
  expect_near(
      "self_attention of [2, 6, 12] with 1 head",
      ex::self_attention(torch_x(), torch_weights(), 1),
      ex::golden("attention.y_one_head"));
}

TEST_CASE("4.3 self_attention: a later token changes nothing before it") {
  const mx::array x = torch_x();
  const mx::array later = mx::reshape(mx::arange(6) == 5, {6, 1});
  const mx::array changed = mx::where(later, x + 1.0f, x);
  const auto first_five = [](const mx::array& input) {
    return mx::slice(
        ex::self_attention(input, torch_weights(), 3), {0, 0, 0}, {2, 5, 12});
  };
  expect_near("the first five tokens", first_five(changed), first_five(x));
}

TEST_CASE("4.3 self_attention: both biases are added") {
  // Of x = 0 only they are left: all values are the last third of c_attn_bias.
  const ex::AttentionWeights w = torch_weights();
  const mx::array value = mx::slice(w.c_attn_bias, {24}, {36});
  const mx::array y = mx::matmul(w.c_proj, value) + w.c_proj_bias;
  expect_near(
      "self_attention of zeros",
      ex::self_attention(mx::zeros({2, 6, 12}), w, 3),
      mx::broadcast_to(y, {2, 6, 12}));
}
