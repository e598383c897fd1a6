// SPDX-License-Identifier: MIT
//
// A decoder block's layers as a model has them, with random weights.

#pragma once

#include <cmath>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <mlx/mlx.h>

#include "llm/models/kv_cache.h"
#include "llm/nn/activation.h"
#include "llm/nn/attention.h"
#include "llm/nn/decode.h"

namespace decoding {

using namespace llm;
namespace mx = mlx::core;

inline mx::array noise(const mx::Shape& shape, uint64_t seed) {
  return mx::random::normal(shape, mx::float32, 0, 1, mx::random::key(seed));
}

inline float distance(const mx::array& a, const mx::array& b) {
  REQUIRE(a.shape() == b.shape());
  const float size = mx::max(mx::abs(b)).item<float>();
  return mx::max(mx::abs(mx::subtract(a, b))).item<float>() / size;
}

inline mx::array row_of(const mx::array& x, int b) {
  mx::Shape from(x.ndim(), 0), to = x.shape();
  from[0] = b;
  to[0] = b + 1;
  return mx::slice(x, from, to);
}

inline nn::Linear layer(int in, int out, bool bias, int bits, uint64_t seed) {
  nn::Linear l(in, out, bias);
  // As wide as a trained layer's: scores of size 1, no softmax of one key.
  l.weight = noise({out, in}, seed) / std::sqrt(static_cast<float>(in));
  if (bias) {
    l.bias = noise({out}, seed + 1);
  }
  if (bits < 32) {
    auto [packed, q] = nn::quantize(l.weight, 32, bits);
    l.weight = packed;
    l.quantization = q;
  }
  return l;
}

inline nn::RMSNorm norm_of(int dims, uint64_t seed) {
  nn::RMSNorm norm(dims);
  norm.weight = noise({dims}, seed);
  return norm;
}

using F = std::function<mx::array(const mx::array&)>;

inline mx::array slope(const F& f, const mx::array& x) {
  const auto loss = [&](const std::vector<mx::array>& in) {
    const mx::array y = f(in[0]);
    return std::vector<mx::array>{mx::sum(y * noise(y.shape(), 9))};
  };
  return mx::vjp(loss, {x}, {mx::array(1.0f)}).second[0];
}

/** A block's layers, as a model has them. */
struct Layers {
  int heads = 6, kv_heads = 2, width = 32, window = 0;
  nn::RMSNorm attention_norm, mlp_norm;
  nn::Linear q, k, v, o, gate, up, down;
  nn::Rope rope;
  std::optional<nn::RMSNorm> q_norm, k_norm;

  /** Matrices of `bits`, but k, up and down of 8 where the others have 4. */
  Layers(int C, int bits, bool bias, int D = 32)
      : width(D),
        attention_norm(norm_of(C, 1)),
        mlp_norm(norm_of(C, 2)),
        q(layer(C, 6 * D, bias, bits, 11)),
        k(layer(C, 2 * D, bias, bits == 4 ? 8 : bits, 13)),
        v(layer(C, 2 * D, bias, bits, 15)),
        o(layer(6 * D, C, bias, bits, 17)),
        gate(layer(C, 160, bias, bits, 19)),
        up(layer(C, 160, bias, bits == 4 ? 8 : bits, 21)),
        down(layer(160, C, bias, bits == 4 ? 8 : bits, 23)) {}

  void with_norms() {
    q_norm = norm_of(width, 31);
    k_norm = norm_of(width, 32);
  }

  nn::DecodeBlock block() const {
    return {
        attention_norm,
        q,
        k,
        v,
        o,
        heads,
        kv_heads,
        rope,
        q_norm,
        k_norm,
        window,
        mlp_norm,
        gate,
        up,
        down};
  }

  /** Layer by layer. */
  mx::array plain(const mx::array& x, LayerCache& cache) const {
    const mx::array n = attention_norm(x);
    mx::array qs = nn::split_heads(q(n), heads);
    mx::array ks = nn::split_heads(k(n), kv_heads);
    if (q_norm) {
      qs = (*q_norm)(qs);
      ks = (*k_norm)(ks);
    }
    const nn::Positions at = cache.positions();
    const mx::array y = cache.attend(
        rope(qs, at),
        rope(ks, at),
        nn::split_heads(v(n), kv_heads),
        {.window = window});
    const mx::array h = x + o(nn::merge_heads(y));
    const mx::array m = mlp_norm(h);
    return h + down(nn::swiglu(gate(m), up(m)));
  }
};

} // namespace decoding
