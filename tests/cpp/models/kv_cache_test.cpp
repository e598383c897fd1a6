// SPDX-License-Identifier: MIT
//
// The key-value cache: a rotating one is full attention inside the window, a
// quantized one is attention over rounded keys and values, a batch of texts of
// different lengths gives what each gives alone.

#include "llm/models/kv_cache.h"

#include <algorithm>

#include "llm/core/error.h"
#include "tests/cpp/models/cached.h"

using namespace cached;

namespace {

/** Attention over the text in pieces (the last one repeats), then one by one
 * from `single` on. */
mx::array in_pieces(LayerCache& cache, const Heads& h, int piece, int single) {
  std::vector<mx::array> out;
  const int length = h.q.shape(2);
  for (int at = 0; at < length;) {
    const int end = at < single ? std::min(at + piece, single) : at + 1;
    out.push_back(cache.attend(
        part(h.q, at, end), part(h.k, at, end), part(h.v, at, end)));
    at = end;
  }
  return mx::concatenate(out, 2);
}

mx::array rounded(const mx::array& x, const CacheOptions& o) {
  const auto parts = mx::quantize(x, o.group_size, o.bits);
  return mx::dequantize(parts[0], parts[1], parts[2], o.group_size, o.bits);
}

const std::vector<int> pieces =
    {1, 3, window - 1, window, window + 1, 2 * window + 3};

} // namespace

TEST_CASE("cache: rotating is full attention inside the window") {
  const Heads h = random_heads(57, 1);
  const mx::array expected =
      nn::causal_attention(h.q, h.k, h.v, {.window = window});
  for (int piece : pieces) {
    for (int single : {0, 38, 57}) {
      CAPTURE(piece);
      CAPTURE(single);
      LayerCache cache({.window = window});
      CHECK(distance(in_pieces(cache, h, piece, single), expected) < 1e-5);
      CHECK(cache.length() == 57);
    }
  }
  // The mask itself, written out: a query that sees only its window.
  const int at = 40;
  const mx::array alone = nn::causal_attention(
      part(h.q, at, at + 1),
      part(h.k, at + 1 - window, at + 1),
      part(h.v, at + 1 - window, at + 1));
  CHECK(distance(part(expected, at, at + 1), alone) < 1e-5);
}

TEST_CASE("cache: quantized is attention over rounded keys and values") {
  const Heads h = random_heads(41, 2);
  for (int width : {0, window}) {
    for (int bits : {8, 4}) {
      const CacheOptions o = {.window = width, .bits = bits, .group_size = 32};
      const mx::array expected = nn::causal_attention(
          h.q, rounded(h.k, o), rounded(h.v, o), {.window = width});
      const mx::array exact =
          nn::causal_attention(h.q, h.k, h.v, {.window = width});
      for (int piece : pieces) {
        CAPTURE(bits);
        CAPTURE(piece);
        LayerCache cache(o);
        const mx::array got = in_pieces(cache, h, piece, 30);
        CHECK(distance(got, expected) < 1e-5);
        CHECK(distance(got, exact) < (bits == 8 ? 0.05 : 1.0));
        CHECK(distance(got, exact) > 1e-4); // it is not the exact one
      }
    }
  }
}

TEST_CASE("cache: a model with windows in pieces gives the whole text's") {
  for (const char* name :
       {"mistral", "gemma3", "qwen2_window", "qwen3_window"}) {
    const auto model = golden_model(name);
    const mx::array tokens = random_tokens(2, context, 3);
    const mx::array whole = model->logits(tokens);
    for (int piece : pieces) {
      CAPTURE(name);
      CAPTURE(piece);
      KVCache cache = model->make_cache();
      for (int at = 0; at < context;) {
        const int end = std::min(at + piece, context);
        const mx::array got = model->logits(columns(tokens, at, end), &cache);
        CHECK(distance(got, columns(whole, at, end)) < 1e-4);
        at = end;
      }
    }
  }
}

TEST_CASE("cache: a window chosen by the user bounds every layer") {
  const auto model = golden_model("qwen3");
  const mx::array tokens = random_tokens(1, context, 4);
  Json config = model->config(); // the same model with that window built in
  config["use_sliding_window"] = true;
  config["sliding_window"] = 5;
  config["max_window_layers"] = 0;
  const auto narrow = make_model(config);
  narrow->update(model->parameters());
  const mx::array expected = narrow->logits(tokens);
  CHECK(distance(expected, model->logits(tokens)) > 1e-3);
  KVCache cache = model->make_cache({.window = 5});
  for (int at = 0; at < context; at += 4) {
    const mx::array got = model->logits(columns(tokens, at, at + 4), &cache);
    CHECK(distance(got, columns(expected, at, at + 4)) < 1e-4);
  }
}

TEST_CASE("cache: rows of different lengths give what each gives alone") {
  const std::vector<int> lengths = {3, 13, 7};
  for (const char* name : {"gpt2", "qwen3", "mistral", "gemma3"}) {
    CAPTURE(name);
    const auto model = golden_model(name);
    const mx::array tokens = random_tokens(3, context, 5);
    std::vector<KVCache> single, ragged;
    for (int b = 0; b < 3; ++b) {
      for (auto* caches : {&single, &ragged}) {
        caches->push_back(model->make_cache());
        model->logits(
            columns(rows(tokens, b, b + 1), 0, lengths[b]), &caches->back());
      }
    }
    KVCache batch = KVCache::batch({&ragged[0], &ragged[1], &ragged[2]});
    CHECK(batch.length() == 13);
    int done = 0;
    for (int L : {1, 4, 1, 1}) { // also several tokens at once
      std::vector<mx::array> next;
      for (int b = 0; b < 3; ++b) {
        const int at = lengths[b] + done;
        next.push_back(columns(rows(tokens, b, b + 1), at, at + L));
      }
      const mx::array got = model->logits(mx::concatenate(next, 0), &batch);
      for (int b = 0; b < 3; ++b) {
        const mx::array alone = model->logits(next[b], &single[b]);
        const double largest = mx::max(mx::abs(alone)).item<float>();
        CHECK(distance(rows(got, b, b + 1), alone) < 1e-5 * largest);
      }
      done += L;
    }
    CHECK(ragged[2].length() == 7 + done);
    CHECK_THROWS_WITH_AS(
        model->logits(random_tokens(2, 1, 1), &batch),
        doctest::Contains("each of 3 caches but received 2"),
        UsageError);
    CHECK(batch.arrays().size() >= 3 * single[0].arrays().size());
  }
}

TEST_CASE("cache: texts that are read together give what each gives alone") {
  for (const char* name : {"gpt2", "qwen3"}) {
    for (const std::vector<int>& lengths :
         {std::vector{3, 13, 7}, std::vector{5, 5, 5}}) {
      CAPTURE(name);
      CAPTURE(lengths[0]);
      const auto model = golden_model(name);
      const mx::array tokens = random_tokens(3, context, 5);
      const int longest = *std::max_element(lengths.begin(), lengths.end());
      KVCache aligned = model->make_cache();
      model->logits(columns(tokens, 0, longest), &aligned);
      std::vector<KVCache> divided, single;
      for (int b = 0; b < 3; ++b) {
        divided.push_back(model->make_cache());
        single.push_back(model->make_cache());
        model->logits(
            columns(rows(tokens, b, b + 1), 0, lengths[b]), &single[b]);
      }
      const std::vector<KVCache*> apart = {
          &divided[0], &divided[1], &divided[2]};
      aligned.divide(apart, lengths);
      aligned.align(lengths);
      KVCache stacked = KVCache::stack(apart);
      for (int step = 0; step < 3; ++step) {
        std::vector<mx::array> next;
        for (int b = 0; b < 3; ++b) {
          const int at = lengths[b] + step;
          next.push_back(columns(rows(tokens, b, b + 1), at, at + 1));
        }
        const mx::array all = mx::concatenate(next, 0);
        const mx::array one = model->logits(all, &aligned);
        const mx::array other = model->logits(all, &stacked);
        for (int b = 0; b < 3; ++b) {
          const mx::array alone = model->logits(next[b], &single[b]);
          const double largest = mx::max(mx::abs(alone)).item<float>();
          for (const mx::array& got : {one, other}) {
            CHECK(distance(rows(got, b, b + 1), alone) < 1e-5 * largest);
          }
        }
      }
      aligned.unstack(apart); // each gets what it has read by now
      for (int b = 0; b < 3; ++b) {
        CHECK(divided[b].length() == lengths[b] + 3);
        for (size_t i = 0; i < single[b].layers.size(); ++i) {
          const auto [k, v] = divided[b].layers[i].read_in_order();
          const auto [k1, v1] = single[b].layers[i].read_in_order();
          CHECK(distance(k, k1) < 1e-4);
          CHECK(distance(v, v1) < 1e-4);
        }
      }
    }
  }
}

TEST_CASE("cache: bits and groups that do not fit are refused") {
  CHECK_THROWS_AS(KVCache({0}, {.bits = 7}), UsageError);
  CHECK_THROWS_AS(KVCache({0}, {.bits = 8, .group_size = 48}), UsageError);
  const auto model = golden_model("qwen3"); // heads of 16 values
  KVCache cache = model->make_cache({.bits = 8, .group_size = 64});
  CHECK_THROWS_WITH_AS(
      model->logits(random_tokens(1, 3, 1), &cache),
      doctest::Contains("a multiple of 64 values but received 16"),
      UsageError);
}

TEST_CASE(
    "cache: grows by steps, to whole 256s only when there is much in it") {
  const auto capacity = [](CacheStore& store, mx::Shape shape, int at) {
    store.write(mx::zeros(shape), at, {});
    return store.parts.at(0).shape(2);
  };
  CacheStore store, stacked, large;
  CHECK(capacity(store, {2, 3, 1, 8}, 0) == 257);
  CHECK(capacity(store, {2, 3, 1, 8}, 256) == 257);
  CHECK(capacity(store, {2, 3, 1, 8}, 257) == 513);
  CHECK(capacity(store, {2, 3, 300, 8}, 513) == 1025);
  stacked.parts = {mx::zeros({2, 3, 300, 8})};
  CHECK(capacity(stacked, {2, 3, 1, 8}, 300) == 513);
  CHECK(capacity(large, {16, 32, 250, 128}, 0) == 256);
  CHECK(capacity(large, {16, 32, 10, 128}, 250) == 512);
}
