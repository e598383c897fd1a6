// SPDX-License-Identifier: MIT
//
// Packed weights: the layout against its formula, the product against that of
// the unpacked matrix, and the layers that keep their weights so.

#include "llm/nn/quantization.h"

#include <cmath>

#include <doctest/doctest.h>
#include <mlx/mlx.h>

#include "llm/core/error.h"
#include "llm/nn/checkpoint.h"
#include "llm/nn/embedding.h"
#include "llm/nn/linear.h"
#include "tests/cpp/kernels/switch.h"

using namespace llm;

namespace {

constexpr int out = 24, in = 128;

mx::array normal(const mx::Shape& shape, int seed) {
  return mx::random::normal(shape, mx::random::key(seed));
}

double largest(const mx::array& a) {
  return mx::max(mx::abs(a)).item<float>();
}

double distance(const mx::array& a, const mx::array& b) {
  REQUIRE(a.shape() == b.shape());
  return largest(mx::subtract(a, b));
}

void pack(auto& layer, int group_size, int bits) {
  auto [packed, rest] = nn::quantize(layer.weight, group_size, bits);
  layer.weight = packed;
  layer.quantization = rest;
}

nn::Linear linear(bool bias) {
  nn::Linear layer(in, out, bias);
  layer.weight = normal({out, in}, 1);
  if (bias) {
    layer.bias = normal({out}, 2);
  }
  return layer;
}

const std::vector<std::pair<int, int>> kinds =
    {{32, 2}, {64, 3}, {64, 4}, {128, 5}, {64, 6}, {32, 8}};

} // namespace

TEST_CASE("quantization: a value is scale * q + bias, q of so many bits") {
  const mx::array w = normal({out, in}, 3);
  for (const auto& [group, bits] : kinds) {
    CAPTURE(bits);
    const auto [packed, q] = nn::quantize(w, group, bits);
    CHECK(packed.dtype() == mx::uint32);
    CHECK(packed.shape() == mx::Shape{out, in * bits / 32});
    CHECK(q.scales.shape() == mx::Shape{out, in / group});
    const mx::array again = nn::dequantize(packed, q);
    const mx::array step = mx::repeat(mx::abs(q.scales), group, 1);
    // Rounding errs by half a step; the ends of the range may be moved so that
    // zero is a value, by a bit more.
    const mx::array error = mx::abs(mx::subtract(again, w));
    CHECK(mx::all(mx::less(error, mx::multiply(step, mx::array(1.01f))))
              .item<bool>());
    CHECK(mx::mean(mx::divide(error, step)).item<float>() < 0.5);
    CHECK(largest(error) > 0);
    if (bits == 4 || bits == 8) { // written out: q at bits k of the word
      mx::array words = mx::expand_dims(packed, 2);
      const mx::array shifts = mx::multiply(
          mx::arange(32 / bits, mx::uint32), mx::array(bits, mx::uint32));
      const mx::array numbers = mx::bitwise_and(
          mx::right_shift(words, shifts),
          mx::array((1u << bits) - 1, mx::uint32));
      const mx::array value = mx::add(
          mx::multiply(
              mx::astype(mx::reshape(numbers, {out, in}), mx::float32),
              mx::repeat(q.scales, group, 1)),
          mx::repeat(q.biases, group, 1));
      CHECK(distance(again, value) < 1e-6);
    }
  }
}

TEST_CASE("quantization: the product is that of the unpacked matrix") {
  for (bool fast : {true, false}) {
    const Kernels kernels(fast);
    for (const auto& [group, bits] : kinds) {
      const auto [packed, q] = nn::quantize(normal({out, in}, 4), group, bits);
      const mx::array w = nn::dequantize(packed, q);
      for (const mx::Shape& shape :
           {mx::Shape{1, 1, in}, {1, 2, in}, {5, in}, {2, 40, in}}) {
        CAPTURE(fast);
        CAPTURE(bits);
        CAPTURE(shape.size());
        const mx::array x = normal(shape, 5);
        const mx::array expected = mx::matmul(x, mx::transpose(w));
        CHECK(distance(nn::quantized_matmul(x, packed, q), expected) < 1e-4);

        mx::Shape like = shape;
        like.back() = out;
        const mx::array weights = normal(like, 6);
        const auto loss = [&](const mx::array& y) {
          return mx::sum(mx::multiply(mx::square(y), weights));
        };
        const mx::array grad = mx::grad([&](const mx::array& x) {
          return loss(nn::quantized_matmul(x, packed, q));
        })(x);
        const mx::array wanted = mx::grad([&](const mx::array& x) {
          return loss(mx::matmul(x, mx::transpose(w)));
        })(x);
        CHECK(distance(grad, wanted) < 1e-4 * (1 + largest(wanted)));
      }
    }
  }
}

TEST_CASE("quantization: says what cannot be packed") {
  CHECK_NOTHROW(nn::check_quantization(128, 64, 4));
  CHECK_THROWS_AS(nn::check_quantization(128, 48, 4), UsageError);
  CHECK_THROWS_AS(nn::check_quantization(128, 64, 7), UsageError);
  CHECK_THROWS_WITH_AS(
      nn::check_quantization(96, 64, 4),
      doctest::Contains("a multiple of 64 values but received 96"),
      UsageError);
  CHECK_THROWS_AS(nn::quantize(normal({4, 96}, 1), 64, 4), UsageError);
}

TEST_CASE("linear: packed, it computes with the values it stands for") {
  for (bool bias : {true, false}) {
    nn::Linear packed = linear(bias), plain = packed;
    pack(packed, 32, 4);
    plain.weight = packed.full_weight();
    CHECK(packed.in() == in);
    CHECK(packed.out() == out);
    for (int rows : {1, 50}) {
      const mx::array x = normal({rows, in}, 7);
      CHECK(distance(packed(x), plain(x)) < 1e-4);
    }
    std::vector<std::string> names;
    for (const auto& [name, array] : nn::parameters(packed)) {
      names.push_back(name);
    }
    std::vector<std::string> expected = {"bias", "biases", "scales", "weight"};
    if (!bias) {
      expected.erase(expected.begin());
    }
    CHECK(names == expected);
  }
}

TEST_CASE("embedding: packed, rows and scores are those of its values") {
  nn::Embedding packed(61, in), plain(61, in);
  packed.weight = normal({61, in}, 8);
  pack(packed, 64, 4);
  plain.weight = packed.full_weight();
  CHECK(packed.dims() == in);
  const mx::array ids = mx::array({3, 60, 0, 3, 17, 17}, {2, 3}, mx::int32);
  CHECK(distance(packed(ids), plain(ids)) < 1e-6);
  const mx::array x = normal({2, 3, in}, 9);
  CHECK(distance(packed.as_linear(x), plain.as_linear(x)) < 1e-4);
}

TEST_CASE("checkpointed: a packed layer passes the gradient on") {
  nn::Linear packed = linear(true);
  pack(packed, 32, 4);
  const mx::array x = normal({20, in}, 10);
  const auto loss = [&](bool checkpoint) {
    return mx::grad([&packed, checkpoint](const mx::array& x) {
      return mx::sum(
          mx::square(checkpoint ? nn::checkpointed(packed, x) : packed(x)));
    })(x);
  };
  CHECK(largest(loss(false)) > 0);
  CHECK(distance(loss(true), loss(false)) < 1e-3);
}
