// SPDX-License-Identifier: MIT

#include "llm/models/kv_cache.h"

#include <algorithm>

#include <mlx/ops.h>

namespace llm {

namespace mx = mlx::core;

namespace {

constexpr int growth = 256;

// [B, H, n, D] of zeros, for `like` [B, H, L, D].
mx::array room(const mx::array& like, int n) {
  return mx::zeros(
      {like.shape(0), like.shape(1), n, like.shape(3)}, like.dtype());
}

void write(std::optional<mx::array>& store, const mx::array& x, int at) {
  const int needed = at + x.shape(2);
  const int capacity = store ? store->shape(2) : 0;
  if (needed > capacity) {
    const int n = (needed - capacity + growth - 1) / growth * growth;
    store = store ? mx::concatenate({*store, room(x, n)}, 2) : room(x, n);
  }
  store = mx::slice_update(
      *store,
      x,
      mx::Shape{0, 0, at, 0},
      mx::Shape{x.shape(0), x.shape(1), needed, x.shape(3)});
}

mx::array first(const mx::array& store, int n) {
  return mx::slice(
      store, {0, 0, 0, 0}, {store.shape(0), store.shape(1), n, store.shape(3)});
}

} // namespace

std::pair<mx::array, mx::array> LayerCache::append(
    const mx::array& k,
    const mx::array& v) {
  write(keys, k, length);
  write(values, v, length);
  length += k.shape(2);
  return {first(*keys, length), first(*values, length)};
}

void KVCache::trim(int length) {
  for (LayerCache& layer : layers) {
    layer.length = std::min(layer.length, length);
  }
}

std::vector<mx::array> KVCache::arrays() const {
  std::vector<mx::array> out;
  for (const LayerCache& layer : layers) {
    if (layer.keys) {
      out.push_back(*layer.keys);
      out.push_back(*layer.values);
    }
  }
  return out;
}

} // namespace llm
