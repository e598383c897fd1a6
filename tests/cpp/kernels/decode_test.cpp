// SPDX-License-Identifier: MIT
//
// The operations of nn/decode.h beside the plain layers that they stand for:
// values, gradients, and a row's bits whatever rows are beside it.

#ifdef LLM_KERNELS // where they are not built, there is nothing to compare

#include "llm/nn/decode.h"

#include <doctest/doctest.h>
#include <mlx/mlx.h>

#include "llm/models/kv_cache.h"
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

mx::array row_of(const mx::array& x, int b) {
  mx::Shape from(x.ndim(), 0), to = x.shape();
  from[0] = b;
  to[0] = b + 1;
  return mx::slice(x, from, to);
}

nn::Linear layer(int in, int out, bool bias, int bits, uint64_t seed) {
  nn::Linear l(in, out, bias);
  l.weight = noise({out, in}, seed);
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

nn::RMSNorm norm_of(int dims, uint64_t seed) {
  nn::RMSNorm norm(dims);
  norm.weight = noise({dims}, seed);
  return norm;
}

using F = std::function<mx::array(const mx::array&)>;

mx::array slope(const F& f, const mx::array& x) {
  const auto loss = [&](const std::vector<mx::array>& in) {
    const mx::array y = f(in[0]);
    return std::vector<mx::array>{mx::sum(y * noise(y.shape(), 9))};
  };
  return mx::vjp(loss, {x}, {mx::array(1.0f)}).second[0];
}

/** `fused` beside `plain`, which runs on MLX's operations. */
void check(const F& fused, const F& plain, const mx::array& x) {
  const Kernels on(true);
  const mx::array y = fused(x), dx = slope(fused, x);
  mx::array expected = mx::array(0.0f), expected_dx = mx::array(0.0f);
  {
    const Kernels off(false);
    expected = plain(x);
    expected_dx = slope(plain, x);
    mx::eval(expected, expected_dx);
  }
  CHECK(distance(y, expected) < 1e-5f);
  CHECK(distance(dx, expected_dx) < 1e-5f);
}

/** The row of x for which `fused` is alone gives the same bits. */
void check_rows(const std::function<mx::array(const F&)>& fused, int B) {
  const mx::array all = fused([](const mx::array& a) { return a; });
  for (int b = 0; b < B; ++b) {
    const mx::array alone =
        fused([b](const mx::array& a) { return row_of(a, b); });
    CHECK(mx::array_equal(alone, row_of(all, b)).item<bool>());
  }
}

} // namespace

TEST_CASE("decode: products beside the plain layers") {
  const OnCpu cpu;
  for (const int bits : {32, 8, 4}) {
    for (const bool bias : {false, true}) {
      for (const int B : {1, 4, 7, 16}) {
        CAPTURE(bits);
        CAPTURE(bias);
        CAPTURE(B);
        const int C = bits == 32 ? 77 : 96;
        const nn::Linear q = layer(C, 96, bias, bits, 1);
        const nn::Linear k = layer(C, 33, bias, bits, 3);
        const nn::Linear down = layer(96, C, bias, bits == 32 ? 32 : 8, 5);
        const nn::RMSNorm norm = norm_of(C, 7);
        const mx::array x = noise({B, 1, C}, 11) + 0.3f;
        const mx::array wide = noise({B, 1, 96}, 12);
        {
          const Kernels on(true);
          CHECK(nn::can_decode(x, {&q, &k, &down}));
        }
        const auto both = [&](const mx::array& a) {
          return nn::norm_project(a, norm, {&q, &k});
        };
        check(
            both,
            [&](const mx::array& a) {
              const mx::array n = norm(a);
              return mx::concatenate({q(n), k(n)}, -1);
            },
            x);
        check(
            [&](const mx::array& a) { return nn::project_add(a, down, x); },
            [&](const mx::array& a) { return x + down(a); },
            wide);
        const nn::Linear up = layer(C, 96, bias, 32, 13);
        check(
            [&](const mx::array& a) { return nn::norm_swiglu(a, norm, q, up); },
            [&](const mx::array& a) {
              const mx::array n = norm(a), g = q(n);
              return g * mx::sigmoid(g) * up(n);
            },
            x);
        check_rows([&](const F& some) { return both(some(x)); }, B);
        check_rows(
            [&](const F& some) {
              return nn::project_add(some(wide), down, some(x));
            },
            B);
      }
    }
  }
}

TEST_CASE("decode: only where the plain layers would give the same") {
  const OnCpu cpu;
  const Kernels on(true);
  nn::Linear l = layer(64, 64, false, 32, 1);
  const mx::array x = noise({2, 1, 64}, 2);
  CHECK(nn::can_decode(x, {&l}));
  CHECK_FALSE(nn::can_decode(noise({2, 2, 64}, 2), {&l})); // two tokens
  CHECK_FALSE(nn::can_decode(noise({17, 1, 64}, 2), {&l}));
  CHECK_FALSE(nn::can_decode(mx::astype(x, mx::bfloat16), {&l}));
  const nn::Linear three = layer(64, 64, false, 3, 1);
  CHECK_FALSE(nn::can_decode(x, {&l, &three}));
  {
    const Kernels off(false);
    CHECK_FALSE(nn::can_decode(x, {&l}));
  }
  l.lora.emplace(64, 64, 4, 1.0f, 0.0f, false);
  CHECK_FALSE(nn::can_decode(x, {&l}));
}

namespace {

nn::DecodeHeads heads_of(int H, int K, const nn::Rope& rope, int D, bool norm) {
  nn::DecodeHeads out{.heads = H, .kv_heads = K, .rope = rope};
  if (norm) {
    out.q_norm = norm_of(D, 21);
    out.k_norm = norm_of(D, 22);
  }
  return out;
}

/** The same through LayerCache::attend, text by text. */
mx::array plain_step(
    std::vector<LayerCache>& texts,
    const mx::array& qkv,
    const nn::DecodeHeads& h) {
  const int H = h.heads, K = h.kv_heads;
  std::vector<mx::array> out;
  for (int b = 0; b < qkv.shape(0); ++b) {
    const mx::array all = nn::split_heads(row_of(qkv, b), H + 2 * K);
    const auto part = [&](int from, int to) {
      mx::Shape begin(4, 0), end = all.shape();
      begin[1] = from;
      end[1] = to;
      return mx::slice(all, begin, end);
    };
    mx::array q = part(0, H), k = part(H, H + K);
    if (h.q_norm) {
      q = (*h.q_norm)(q);
      k = (*h.k_norm)(k);
    }
    const nn::Positions at = texts[b].positions();
    out.push_back(nn::merge_heads(texts[b].attend(
        h.rope(q, at),
        h.rope(k, at),
        part(H + K, H + 2 * K),
        {.window = h.window})));
  }
  return mx::concatenate(out, 0);
}

std::vector<LayerCache> empty_caches(int n, int window) {
  return std::vector<LayerCache>(n, LayerCache({.window = window}));
}

} // namespace

TEST_CASE("decode: attention over the cache, text by text") {
  const OnCpu cpu;
  const int H = 6, K = 2;
  nn::Rope scaled = nn::llama3_rope(32, 10000, 8, 1, 4, 64);
  nn::Rope sharp = nn::yarn_rope(32, 10000, {.factor = 4, .context = 64});
  sharp.scale = 0.5f;
  for (const int D : {32, 36}) {
    for (const bool norm : {false, true}) {
      for (const int window : {0, 8}) {
        for (const nn::Rope& rope : {nn::Rope{}, scaled, sharp}) {
          if (rope.periods && D != 32) {
            continue;
          }
          CAPTURE(D);
          CAPTURE(norm);
          CAPTURE(window);
          const nn::DecodeHeads h = heads_of(H, K, rope, D, norm);
          auto fast = empty_caches(3, window), plain = fast, lone = fast;
          for (int step = 0; step < 20; ++step) {
            // Texts begin one after the other: they are of different lengths.
            const int B = std::min(3, 1 + step / 4);
            const mx::array qkv = noise({B, 1, (H + 2 * K) * D}, 100 + step);
            std::vector<mx::array> ys;
            const Kernels on(true);
            for (int b = 0; b < B; ++b) {
              ys.push_back(fast[b].decode(row_of(qkv, b), h));
            }
            const mx::array y = mx::concatenate(ys, 0);
            mx::array expected = mx::array(0.0f);
            {
              const Kernels off(false);
              expected = plain_step(plain, qkv, h);
              mx::eval(expected);
            }
            CHECK(distance(y, expected) < 1e-5f);
          }
        }
      }
    }
  }
}

TEST_CASE("decode: a batch of texts is bit for bit each text alone") {
  const OnCpu cpu;
  const Kernels on(true);
  const nn::DecodeHeads h = heads_of(6, 2, nn::Rope{}, 32, true);
  std::vector<KVCache> alone, together;
  for (int b = 0; b < 3; ++b) {
    alone.emplace_back(std::vector<int>{0});
    together.emplace_back(std::vector<int>{0});
  }
  for (int step = 0; step < 300; ++step) { // past the first growth of 256
    const int B = std::min(3, 1 + step / 7);
    const mx::array qkv = noise({B, 1, 10 * 32}, step);
    std::vector<KVCache*> rows;
    for (int b = 0; b < B; ++b) {
      rows.push_back(&together[b]);
    }
    KVCache batch = KVCache::batch(rows);
    batch.layers[0].keep_queries = true;
    REQUIRE(batch.layers[0].can_decode(B));
    const mx::array y = batch.layers[0].decode(qkv, h);
    std::vector<mx::array> outputs = batch.arrays();
    outputs.push_back(y);
    mx::eval(outputs);
    for (int b = 0; b < B; ++b) {
      LayerCache& cache = alone[b].layers[0];
      const mx::array own = cache.decode(row_of(qkv, b), h);
      REQUIRE(mx::array_equal(own, row_of(y, b)).item<bool>());
    }
    CHECK(batch.layers[0].queries->shape() == mx::Shape{B, 6, 1, 32});
  }
  CHECK(together[0].length() == 300);
}

TEST_CASE("decode: a cache that somebody else holds is copied, not changed") {
  const OnCpu cpu;
  const Kernels on(true);
  const nn::DecodeHeads h = heads_of(2, 1, nn::Rope{}, 32, false);
  LayerCache cache;
  mx::eval(cache.decode(noise({1, 1, 4 * 32}, 1), h));
  LayerCache branch = cache;
  const mx::array a = cache.decode(noise({1, 1, 4 * 32}, 2), h);
  const mx::array b = branch.decode(noise({1, 1, 4 * 32}, 3), h);
  mx::eval(a, b);
  const mx::array next = noise({1, 1, 4 * 32}, 4);
  const mx::array ya = cache.decode(next, h), yb = branch.decode(next, h);
  LayerCache again;
  for (const int seed : {1, 2, 4}) {
    mx::array y = again.decode(noise({1, 1, 4 * 32}, seed), h);
    mx::eval(y);
    if (seed == 4) {
      CHECK(mx::array_equal(y, ya).item<bool>());
      CHECK_FALSE(mx::array_equal(y, yb).item<bool>());
    }
  }
}

TEST_CASE("decode: the attention's gradient is that of the plain operations") {
  const OnCpu cpu;
  const Kernels on(true);
  const nn::DecodeHeads h = heads_of(4, 2, nn::Rope{}, 32, true);
  const mx::array keys = noise({1, 2, 9, 32}, 1),
                  values = noise({1, 2, 9, 32}, 2);
  const auto f = [&](const mx::array& qkv) {
    return nn::attend_cached(qkv, {{keys, values, 6, 6, 0, 7}}, h).y;
  };
  const mx::array qkv = noise({1, 1, 8 * 32}, 3);
  const mx::array dx = slope(f, qkv);
  // The slope along one direction, by differences in the values alone.
  const mx::array way = noise(qkv.shape(), 5) * 1e-2f;
  const auto value = [&](const mx::array& at) {
    const mx::array y = f(at);
    return mx::sum(y * noise(y.shape(), 9)).item<float>();
  };
  const float measured = (value(qkv + way) - value(qkv - way)) / 2;
  CHECK(
      mx::sum(dx * way).item<float>() ==
      doctest::Approx(measured).epsilon(0.01));
}

#endif // LLM_KERNELS
