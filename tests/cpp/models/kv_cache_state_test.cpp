// SPDX-License-Identifier: MIT
//
// The key-value cache is saved and restored, and forgets its last positions.

#include "llm/core/error.h"
#include "llm/models/kv_cache.h"
#include "tests/cpp/models/cached.h"

using namespace cached;

TEST_CASE("cache: state is restored, also rotating and quantized") {
  const Heads h = random_heads(40, 6);
  for (const CacheOptions& o :
       {CacheOptions{}, CacheOptions{.bits = 8, .group_size = 32}}) {
    for (int read : {0, 5, 17}) {
      KVCache cache({0, window}, o), again({0, window}, o);
      for (LayerCache& layer : cache.layers) {
        if (read > 0) {
          layer.append(part(h.k, 0, read), part(h.v, 0, read));
        }
      }
      // Through a file, as a prompt cache goes.
      const std::string bytes = safetensors_bytes(cache.state());
      again.restore(parse_safetensors(bytes, "test").arrays);
      CHECK(again.length() == read);
      for (int at = read; at < 40; ++at) {
        const auto step = [&](LayerCache& layer) {
          return layer.attend(
              part(h.q, at, at + 1),
              part(h.k, at, at + 1),
              part(h.v, at, at + 1));
        };
        for (int i : {0, 1}) {
          CHECK(distance(step(again.layers[i]), step(cache.layers[i])) == 0);
        }
      }
    }
  }
}

TEST_CASE("cache: state of another model or other options is refused") {
  const auto gemma = golden_model("gemma3"), qwen = golden_model("qwen3");
  const mx::array tokens = random_tokens(1, 12, 7);
  KVCache cache = gemma->make_cache();
  gemma->logits(tokens, &cache);
  auto state = cache.state();
  KVCache fewer = qwen->make_cache(); // two layers, not four
  CHECK_THROWS_AS(fewer.restore(state), InputError);
  CHECK(fewer.length() == 0);
  KVCache packed = gemma->make_cache({.bits = 8, .group_size = 64});
  CHECK_THROWS_AS(packed.restore(state), InputError);
  KVCache wide(std::vector<int>(4, 0));
  CHECK_THROWS_AS(wide.restore(state), InputError);
  state.erase("layers.3.values.0");
  KVCache same = gemma->make_cache();
  CHECK_THROWS_WITH_AS(
      same.restore(state), doctest::Contains("layers.3.values.0"), InputError);
}

TEST_CASE("cache: positions are forgotten and read again") {
  const Heads h = random_heads(20, 8), other = random_heads(20, 9);
  for (const CacheOptions& o :
       {CacheOptions{},
        CacheOptions{.window = 8},
        CacheOptions{.bits = 8, .group_size = 32}}) {
    LayerCache cache(o);
    // Seven read, three of them replaced by others.
    LayerCache fresh(o);
    cache.append(part(h.k, 0, 7), part(h.v, 0, 7));
    CHECK(cache.can_trim(4));
    cache.trim(4);
    CHECK(cache.length() == 4);
    fresh.append(part(h.k, 0, 4), part(h.v, 0, 4));
    for (int at : {4, 5, 6, 7, 8, 9, 10, 11, 12}) {
      const auto step = [&](LayerCache& c) {
        return c.attend(
            part(h.q, at, at + 1),
            part(other.k, at, at + 1),
            part(other.v, at, at + 1));
      };
      CHECK(distance(step(cache), step(fresh)) < 1e-6);
    }
  }
  LayerCache full({.window = 8});
  full.append(part(h.k, 0, 9), part(h.v, 0, 9));
  CHECK(full.can_trim(9));
  CHECK_FALSE(full.can_trim(8));
  CHECK_THROWS_AS(full.trim(5), UsageError);
  KVCache all({0, 8});
  CHECK(all.can_trim(0));

  // A batch: each of its rows.
  KVCache longer({0, 8}), shorter({0, 8});
  for (int i : {0, 1}) {
    longer.layers[i].append(part(h.k, 0, 9), part(h.v, 0, 9));
    shorter.layers[i].append(part(h.k, 0, 6), part(h.v, 0, 6));
  }
  KVCache batch = KVCache::batch({&longer, &shorter});
  CHECK(batch.length() == 9);
  CHECK_FALSE(batch.can_trim(8)); // the longer one's window has moved on
  KVCache::batch({&shorter}).trim(4);
  CHECK(shorter.length() == 4);
}
