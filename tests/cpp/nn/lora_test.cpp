// SPDX-License-Identifier: MIT
//
// LoRA and DoRA on a Linear, packed or not.

#include "llm/nn/lora.h"

#include <doctest/doctest.h>
#include <mlx/mlx.h>

#include "llm/nn/linear.h"
#include "tests/cpp/kernels/switch.h"

using namespace llm;

namespace {

constexpr int out = 24, in = 64, rank = 4;

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

struct Kind {
  bool packed, dora;
};
const std::vector<Kind> kinds = {
    {false, false},
    {false, true},
    {true, false},
    {true, true}};

nn::Linear base(bool packed) {
  nn::Linear layer(in, out);
  layer.weight = normal({out, in}, 1);
  layer.bias = normal({out}, 2);
  if (packed) {
    auto [weight, rest] = nn::quantize(layer.weight, 32, 4);
    layer.weight = weight;
    layer.quantization = rest;
  }
  return layer;
}

/** A fresh adapter: B is zero, and m the lengths of the rows. */
nn::Linear with_adapter(const Kind& kind) {
  nn::Linear layer = base(kind.packed);
  layer.lora.emplace(in, out, rank, 2.0f, 0.0f, kind.dora);
  layer.lora->lora_a = normal({in, rank}, 3);
  if (kind.dora) {
    layer.lora->m = nn::row_lengths(layer.full_weight());
  }
  return layer;
}

nn::Linear trained_adapter(const Kind& kind) {
  nn::Linear layer = with_adapter(kind);
  layer.lora->lora_b = normal({rank, out}, 4);
  if (kind.dora) {
    layer.lora->m = mx::multiply(
        *layer.lora->m, mx::add(mx::array(1.5f), normal({out}, 5)));
  }
  return layer;
}

} // namespace

TEST_CASE("lora: a fresh adapter changes nothing") {
  for (const Kind& kind : kinds) {
    const nn::Linear plain = base(kind.packed), layer = with_adapter(kind);
    const mx::array x = normal({3, 5, in}, 6);
    CHECK(distance(layer(x), plain(x)) < 1e-4);
    CHECK(distance(layer.merged_weight(), plain.full_weight()) < 1e-5);
  }
}

TEST_CASE("lora: y = W x + scale B A x, and DoRA scales its rows") {
  for (bool fast : {true, false}) {
    const Kernels kernels(fast);
    for (const Kind& kind : kinds) {
      CAPTURE(kind.packed);
      CAPTURE(kind.dora);
      const nn::Linear layer = trained_adapter(kind);
      const nn::LoRA& l = *layer.lora;
      const mx::array x = normal({30, in}, 7);
      const mx::array w = layer.full_weight();
      mx::array sum = mx::add(
          w,
          mx::multiply(
              mx::array(2.0f), mx::transpose(mx::matmul(l.lora_a, l.lora_b))));
      if (kind.dora) { // the rows' lengths are m
        const mx::array length = mx::linalg::norm(sum, 1, true);
        sum = mx::multiply(mx::divide(sum, length), mx::expand_dims(*l.m, 1));
      }
      const mx::array expected =
          mx::add(mx::matmul(x, mx::transpose(sum)), *layer.bias);
      CHECK(distance(layer(x), expected) < 1e-3);
      CHECK(distance(layer.merged_weight(), sum) < 1e-4);

      nn::Linear merged = base(false);
      merged.weight = layer.merged_weight();
      CHECK(distance(merged(x), layer(x)) < 1e-3);
      CHECK(distance(base(kind.packed)(x), layer(x)) > 0.1);
    }
  }
}

TEST_CASE("lora: the gradient reaches what is trained, and equals the merged") {
  for (const Kind& kind : kinds) {
    CAPTURE(kind.packed);
    CAPTURE(kind.dora);
    nn::Linear layer = trained_adapter(kind);
    const nn::Parameters all = nn::parameters(layer);
    const nn::Parameters trainable =
        nn::select(all, [](const std::string& path) {
          return path.starts_with("lora_") || path == "m";
        });
    CHECK(trainable.size() == (kind.dora ? 3 : 2));
    const mx::array x = normal({30, in}, 8);
    const nn::ValueAndGrad result = nn::value_and_grad(
        [&](const nn::Parameters& p) {
          nn::assign(layer, p);
          return std::vector<mx::array>{mx::sum(mx::square(layer(x)))};
        },
        trainable);
    nn::assign(layer, all);
    CHECK(result.grads.size() == trainable.size());
    for (const auto& [name, grad] : result.grads) {
      CAPTURE(name);
      CHECK(largest(grad) > 0);
      // The same loss over the merged weight, its length held constant.
      const mx::array w = layer.full_weight(), b = *layer.bias;
      const mx::array length = nn::row_lengths(mx::add(w, layer.lora->delta()));
      const mx::array wanted = mx::grad([&](const mx::array& value) {
        nn::Parameters p = trainable;
        p.insert_or_assign(name, value);
        mx::array sum = mx::add(
            w,
            mx::multiply(
                mx::array(2.0f),
                mx::transpose(mx::matmul(p.at("lora_a"), p.at("lora_b")))));
        if (kind.dora) {
          sum = mx::multiply(
              sum, mx::expand_dims(mx::divide(p.at("m"), length), 1));
        }
        return mx::sum(
            mx::square(mx::add(mx::matmul(x, mx::transpose(sum)), b)));
      })(trainable.at(name));
      CHECK(distance(grad, wanted) < 1e-4 * largest(wanted));
    }
  }
}

TEST_CASE("lora: dropout acts on the adapter's input alone") {
  nn::Linear layer = trained_adapter({false, false});
  layer.lora->dropout = nn::Dropout(0.5f);
  const mx::array x = normal({30, in}, 9);
  const mx::array plain = layer(x);
  nn::set_dropout_key(layer, mx::random::key(1));
  CHECK(layer.lora->dropout.key.has_value());
  CHECK(distance(layer(x), plain) > 0.1);
  layer.lora->lora_b = mx::zeros({rank, out});
  CHECK(distance(layer(x), base(false)(x)) < 1e-4);
  nn::set_dropout_key(layer, std::nullopt);
  CHECK_FALSE(layer.lora->dropout.key.has_value());
}
