// SPDX-License-Identifier: MIT
//
// Products with few rows, float32 and packed, beside MLX's operations; and a
// row's bits, whatever stands beside it.

#ifdef LLM_KERNELS // where they are not built, there is nothing to compare

#include <cmath>

#include <doctest/doctest.h>
#include <mlx/mlx.h>
#include <mlx/primitives.h>

#include "llm/nn/matmul.h"
#include "llm/nn/quantization.h"
#include "tests/cpp/kernels/switch.h"

using namespace llm;
namespace mx = mlx::core;

namespace {

mx::array noise(const mx::Shape& shape, uint64_t seed) {
  return mx::random::normal(shape, mx::float32, 0, 1, mx::random::key(seed));
}

float distance(const mx::array& a, const mx::array& b) {
  REQUIRE(a.shape() == b.shape());
  const float size = mx::max(mx::abs(b)).item<float>();
  return mx::max(mx::abs(mx::subtract(a, b))).item<float>() / size;
}

std::string name_of(const mx::array& a) {
  return a.has_primitive() ? a.primitive().name() : "";
}

mx::array rows(const mx::array& x, int begin, int end) {
  return mx::slice(x, {begin, 0}, {end, x.shape(1)});
}

/** The gradient of sum(f(x) * noise). */
mx::array slope(
    const std::function<mx::array(const mx::array&)>& f,
    const mx::array& x) {
  const auto loss = [&](const std::vector<mx::array>& in) {
    const mx::array y = f(in[0]);
    return std::vector<mx::array>{mx::sum(y * noise(y.shape(), 9))};
  };
  return mx::vjp(loss, {x}, {mx::array(1.0f)}).second[0];
}

/** f with the kernels beside f without, its gradient, and each row alone.
 * `allowed`: by how much the values may differ beside rounding. */
void check(
    const std::function<mx::array(const mx::array&)>& f,
    const mx::array& x,
    const mx::array& allowed = mx::array(0.0f)) {
  mx::array plain = mx::array(0.0f), plain_slope = mx::array(0.0f);
  {
    const Kernels off(false);
    plain = f(x);
    plain_slope = slope(f, x);
    mx::eval(plain, plain_slope);
  }
  const mx::array fast = f(x);
  const mx::array rounding = 1e-5f * mx::max(mx::abs(plain));
  CHECK(mx::all(mx::abs(fast - plain) <= allowed + rounding).item<bool>());
  CHECK(distance(slope(f, x), plain_slope) < 1e-5f);
  if (x.shape(0) <= 16) {
    for (int m = 0; m < x.shape(0); ++m) {
      CHECK(mx::array_equal(f(rows(x, m, m + 1)), rows(fast, m, m + 1))
                .item<bool>());
    }
  }
}

/** What a product in bytes (kernels/byte_rows.h) may lose: half a step of each
 * value of x, a step being a part of its group's largest value. */
mx::array lost_in_bytes(
    const mx::array& x,
    const mx::array& packed,
    const nn::Quantization& q) {
  const int bits = kernels::activation_bits();
  const float steps = bits == 8 ? 127 : 127 * 257;
  if (bits > 16 || !kernels::can_unpack(q.bits)) {
    return mx::array(0.0f);
  }
  const mx::array most =
      mx::max(mx::abs(mx::unflatten(x, -1, {-1, q.group_size})), -1);
  const mx::array step = mx::repeat(most, q.group_size, -1) / steps;
  const mx::array w = nn::dequantize(packed, q);
  return mx::matmul(0.5f * step, mx::transpose(mx::abs(w)));
}

} // namespace

TEST_CASE("kernels: few rows times a matrix") {
  const OnCpu cpu;
  const Kernels on(true);
  for (const int K : {1, 7, 16, 33, 576}) {
    for (const int M : {1, 3, 4, 13, 16}) {
      CAPTURE(K);
      CAPTURE(M);
      const mx::array w = noise({45, K}, 2);
      const auto f = [&](const mx::array& x) {
        return nn::matmul_transposed(x, w);
      };
      check(f, noise({M, K}, 1) + 0.5f);
    }
  }
  // w as columns of a wider matrix, x with three axes.
  const mx::array wide = noise({40, 24}, 3);
  const mx::array w = mx::slice(wide, {0, 4}, {40, 20});
  const mx::array x = noise({2, 3, 16}, 4);
  const mx::array y = nn::matmul_transposed(x, w);
  CHECK(distance(y, mx::matmul(x, mx::transpose(w))) < 1e-5f);
}

TEST_CASE("kernels: rows times a packed matrix") {
  const OnCpu cpu;
  const Kernels on(true);
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const int group : {32, 64, 128}) {
      for (const int K : {128, 384, 640}) {
        for (const int M : {1, 6, 16, 20, 39}) {
          CAPTURE(bits);
          CAPTURE(group);
          CAPTURE(K);
          CAPTURE(M);
          const auto [packed, q] = nn::quantize(noise({37, K}, 2), group, bits);
          const bool known = kernels::can_unpack(bits);
          const auto f = [&, packed = packed, q = q](const mx::array& x) {
            return nn::quantized_matmul(x, packed, q);
          };
          const mx::array x = noise({M, K}, 1) + 0.5f;
          for (const int activation : {32, 24, 16, 8}) {
            CAPTURE(activation);
            const ActivationBits set(activation);
            if (known || (M >= 20 && activation == 32)) {
              check(f, x, lost_in_bytes(x, packed, q));
            }
          }
        }
      }
    }
  }
}

TEST_CASE("kernels: packed products of values of every size, and of none") {
  const OnCpu cpu;
  const auto [packed, q] = nn::quantize(noise({37, 256}, 2), 64, 4);
  // Values of a group may be far from those of another.
  const mx::array sizes = mx::exp(20.0f * noise({19, 4}, 3));
  const mx::array x = noise({19, 256}, 1) * mx::repeat(sizes, 64, 1);
  const std::vector<int> widths = {24, 16, 8, 32};
  for (int i = 0; i < 12; ++i) {
    const int M = std::vector<int>{1, 3, 19}[i % 3];
    const ActivationBits set(widths[i / 3]);
    CAPTURE(M);
    CAPTURE(widths[i / 3]);
    const auto f = [&, packed = packed, q = q](const mx::array& x) {
      return nn::quantized_matmul(x, packed, q);
    };
    const mx::array some = rows(x, 0, M);
    const Kernels on(true);
    const mx::array fast = f(some);
    const mx::array zero = f(mx::zeros_like(some));
    mx::eval(fast, zero);
    CHECK(mx::max(mx::abs(zero)).item<float>() == 0);
    for (const float bad : {NAN, INFINITY}) { // as MLX: no number
      const mx::array last = mx::arange(256) == mx::array(255);
      const mx::array y = f(mx::where(last, mx::array(bad), some));
      CHECK(mx::all(mx::logical_not(mx::isfinite(y))).item<bool>());
    }
    const Kernels off(false);
    const mx::array plain = f(some);
    const mx::array rounding =
        1e-5f * mx::max(mx::abs(plain), std::vector<int>{1}, true);
    const mx::array allowed = lost_in_bytes(some, packed, q) + rounding;
    CHECK(mx::all(mx::abs(fast - plain) <= allowed).item<bool>());
  }
}

TEST_CASE("kernels: unpacking") {
  const OnCpu cpu;
  for (const int bits : {4, 8}) {
    for (const int group : {32, 64, 128}) {
      const auto [packed, q] = nn::quantize(noise({70, 384}, 2), group, bits);
      const Kernels on(true);
      const mx::array fast = nn::dequantize(packed, q);
      CHECK(name_of(fast) == "unpack");
      const Kernels off(false);
      CHECK(distance(fast, nn::dequantize(packed, q)) < 1e-6f);
    }
  }
}

#endif // LLM_KERNELS
