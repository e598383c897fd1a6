// SPDX-License-Identifier: MIT
//
// A block in one operation (nn/decode.h) beside its layers one by one: values,
// gradients, and a text's bits whatever texts are beside it.

#ifdef LLM_KERNELS // where they are not built, there is nothing to compare

#include "tests/cpp/kernels/decode_layers.h"
#include "tests/cpp/kernels/switch.h"

using namespace decoding;

namespace {

/** Texts that begin one after the other, so that they are of different lengths:
 * the batch at step `step`. */
int texts_at(int step, int most) {
  return std::min(most, 1 + step / 3);
}

/** `steps` new tokens of up to `most` texts, fused and layer by layer. */
void compare(const Layers& l, int C, int most, int steps, int window) {
  std::vector<KVCache> fused, plain;
  for (int b = 0; b < most; ++b) {
    fused.emplace_back(std::vector<int>{window});
    plain.emplace_back(std::vector<int>{window});
  }
  for (int step = 0; step < steps; ++step) {
    const int B = texts_at(step, most);
    const mx::array x = noise({B, 1, C}, 100 + step);
    std::vector<KVCache*> rows;
    for (int b = 0; b < B; ++b) {
      rows.push_back(&fused[b]);
    }
    KVCache batch = KVCache::batch(rows);
    const Kernels on(true);
    REQUIRE(batch.layers[0].can_decode(x, l.block()));
    const mx::array y = batch.layers[0].decode(x, l.block());
    mx::eval(y);
    const Kernels off(false);
    for (int b = 0; b < B; ++b) {
      const mx::array expected = l.plain(row_of(x, b), plain[b].layers[0]);
      CHECK(distance(row_of(y, b), expected) < 1e-5f);
    }
  }
}

} // namespace

TEST_CASE("decode: a block in one operation is its layers one by one") {
  const OnCpu cpu;
  for (const int bits : {32, 8, 4}) {
    for (const bool bias : {false, true}) {
      CAPTURE(bits);
      CAPTURE(bias);
      const int C = bits == 32 ? 77 : 96;
      Layers l(C, bits, bias);
      for (const int activation : {32, 24}) {
        const ActivationBits set(activation);
        compare(l, C, 16, 50, 0);
      }
    }
  }
}

TEST_CASE("decode: every rotation, norms of q and k, windows") {
  const OnCpu cpu;
  const nn::Rope llama3 = nn::llama3_rope(32, 10000, 8, 1, 4, 64);
  nn::Rope yarn = nn::yarn_rope(32, 10000, {.factor = 4, .context = 64});
  yarn.scale = 0.5f;
  for (const nn::Rope& rope : {nn::Rope{.base = 500}, llama3, yarn}) {
    for (const bool norms : {false, true}) {
      for (const int window : {0, 8}) {
        CAPTURE(norms);
        CAPTURE(window);
        Layers l(64, 32, false);
        l.rope = rope;
        l.window = window;
        if (norms) {
          l.with_norms();
        }
        compare(l, 64, 3, 24, window);
      }
    }
  }
  Layers narrow(64, 32, false); // over a cache that holds more
  narrow.window = 8;
  compare(narrow, 64, 2, 24, 0);
  const Layers odd(40, 32, false, 36); // a head that is no whole vectors
  compare(odd, 40, 2, 12, 0);
}

TEST_CASE("decode: a batch of texts is bit for bit each text alone") {
  const OnCpu cpu;
  const Kernels on(true);
  for (const int bits : {32, 4}) {
    Layers l(96, bits, true);
    l.with_norms();
    std::vector<KVCache> alone, together;
    for (int b = 0; b < 6; ++b) {
      alone.emplace_back(std::vector<int>{0});
      together.emplace_back(std::vector<int>{0});
    }
    for (int step = 0; step < 270; ++step) { // past the first growth of 256
      const int B = texts_at(step, 6);
      const mx::array x = noise({B, 1, 96}, step);
      std::vector<KVCache*> rows;
      for (int b = 0; b < B; ++b) {
        rows.push_back(&together[b]);
      }
      KVCache batch = KVCache::batch(rows);
      batch.layers[0].keep_queries = true;
      const mx::array y = batch.layers[0].decode(x, l.block());
      std::vector<mx::array> outputs = batch.arrays();
      outputs.push_back(y);
      mx::eval(outputs);
      for (int b = 0; b < B; ++b) {
        const mx::array own =
            alone[b].layers[0].decode(row_of(x, b), l.block());
        REQUIRE(mx::array_equal(own, row_of(y, b)).item<bool>());
      }
      REQUIRE(batch.layers[0].queries->shape() == mx::Shape{B, 6, 1, 32});
    }
    CHECK(together[0].length() == 270);
  }
}

TEST_CASE("decode: a cache that somebody else holds is copied, not changed") {
  const OnCpu cpu;
  const Kernels on(true);
  const Layers l(64, 32, false);
  const auto token = [](int seed) { return noise({1, 1, 64}, seed); };
  LayerCache cache;
  mx::eval(cache.decode(token(1), l.block()));
  LayerCache branch = cache;
  mx::eval(cache.decode(token(2), l.block()));
  mx::eval(branch.decode(token(3), l.block()));
  const mx::array a = cache.decode(token(4), l.block());
  const mx::array b = branch.decode(token(4), l.block());
  LayerCache again;
  mx::eval(again.decode(token(1), l.block()));
  mx::eval(again.decode(token(2), l.block()));
  const mx::array expected = again.decode(token(4), l.block());
  CHECK(mx::array_equal(a, expected).item<bool>());
  CHECK_FALSE(mx::array_equal(b, expected).item<bool>());
}

TEST_CASE("decode: a new token takes over the cache's memory") {
  const OnCpu cpu;
  const Kernels on(true);
  const Layers l(64, 32, false);
  KVCache cache({0});
  const auto memory = [&](int step) {
    std::vector<mx::array> outputs = {
        cache.layers[0].decode(noise({1, 1, 64}, step), l.block())};
    {
      const std::vector<mx::array> stores = cache.arrays();
      outputs.insert(outputs.end(), stores.begin(), stores.end());
    }
    mx::eval(outputs);
    return std::pair(outputs[1].data<float>(), outputs[2].data<float>());
  };
  const auto first = memory(1);
  CHECK(memory(2) == first);
  CHECK(memory(3) == first);
}

TEST_CASE("decode: after a prompt, after forgetting, in turns with attend") {
  const OnCpu cpu;
  const int C = 64;
  for (const int window : {0, 8}) {
    CAPTURE(window);
    Layers l(C, 32, false);
    l.window = window;
    LayerCache fused({.window = window}), plain({.window = window});
    // (tokens, forget so many afterwards): prompts of several tokens are read
    // layer by layer.
    const std::vector<std::pair<int, int>> plan = {
        {11, 0},
        {1, 0},
        {1, 0},
        {5, 0},
        {1, window == 0 ? 3 : 0},
        {1, 0},
        {1, 0},
        {2, 0},
        {1, 0}};
    int seed = 0;
    for (const auto& [tokens, forget] : plan) {
      const mx::array x = noise({1, tokens, C}, ++seed);
      const Kernels on(true);
      const bool fast = fused.can_decode(x, l.block());
      CHECK(fast == (tokens == 1));
      const mx::array y = fast ? fused.decode(x, l.block()) : l.plain(x, fused);
      mx::eval(y);
      const Kernels off(false);
      CHECK(distance(y, l.plain(x, plain)) < 1e-5f);
      fused.trim(fused.length() - forget);
      plain.trim(plain.length() - forget);
    }
  }
}

TEST_CASE("decode: only where the layers would give the same") {
  const OnCpu cpu;
  const Kernels on(true);
  Layers l(64, 32, false);
  const mx::array x = noise({2, 1, 64}, 2);
  CHECK(nn::can_decode(x, l.block()));
  CHECK_FALSE(nn::can_decode(noise({2, 2, 64}, 2), l.block())); // two tokens
  CHECK_FALSE(nn::can_decode(noise({17, 1, 64}, 2), l.block()));
  CHECK_FALSE(nn::can_decode(mx::astype(x, mx::bfloat16), l.block()));
  CHECK_FALSE(LayerCache().can_decode(x, l.block())); // two texts, one cache
  CHECK(LayerCache().can_decode(row_of(x, 0), l.block()));
  CHECK_FALSE(LayerCache({.bits = 8, .group_size = 32})
                  .can_decode(row_of(x, 0), l.block()));
  {
    const Kernels off(false);
    CHECK_FALSE(nn::can_decode(x, l.block()));
  }
  LayerCache two; // texts side by side, then one alone
  mx::eval(l.plain(x, two));
  CHECK_FALSE(two.can_decode(row_of(x, 0), l.block()));
  l.window = 4;
  CHECK_FALSE(LayerCache({.window = 8}).can_decode(row_of(x, 0), l.block()));
  l.window = 0;
  l.with_norms();
  CHECK(nn::can_decode(x, l.block()));
  l.k_norm->weight = mx::astype(l.k_norm->weight, mx::bfloat16);
  CHECK_FALSE(nn::can_decode(x, l.block()));
  l.q_norm.reset();
  l.k_norm.reset();
  const nn::Linear up = l.up;
  l.up = layer(64, 160, false, 3, 1);
  CHECK_FALSE(nn::can_decode(x, l.block()));
  l.up = up;
  CHECK(nn::can_decode(x, l.block()));
  l.v.lora.emplace(64, 64, 4, 1.0f, 0.0f, false);
  CHECK_FALSE(nn::can_decode(x, l.block()));
}

TEST_CASE("decode: gradient and vmap are those of the plain operations") {
  const OnCpu cpu;
  const Kernels on(true);
  Layers l(64, 32, true);
  l.with_norms();
  const mx::array keys = noise({1, 2, 9, 32}, 1);
  const mx::array values = noise({1, 2, 9, 32}, 2);
  nn::PreparedDecode prepared;
  const auto f = [&](const mx::array& x) {
    return nn::decode_block(
               x, l.block(), {{keys, values, 6, 6, 0, 7}}, prepared)
        .y;
  };
  const mx::array x = noise({1, 1, 64}, 3);
  const mx::array dx = slope(f, x);
  // The slope along one direction, by differences of the values alone.
  const mx::array way = noise(x.shape(), 5) * 1e-2f;
  const auto value = [&](const mx::array& at) {
    const mx::array y = f(at);
    return mx::sum(y * noise(y.shape(), 9)).item<float>();
  };
  const float measured = (value(x + way) - value(x - way)) / 2;
  CHECK(
      mx::sum(dx * way).item<float>() ==
      doctest::Approx(measured).epsilon(0.01));
  const mx::array many = noise({3, 1, 1, 64}, 6);
  const mx::array mapped = mx::vmap(f)(many);
  for (int i = 0; i < 3; ++i) {
    const mx::array own = f(mx::reshape(row_of(many, i), {1, 1, 64}));
    CHECK(distance(mx::reshape(row_of(mapped, i), {1, 1, 64}), own) < 1e-5f);
  }
}

#endif // LLM_KERNELS
