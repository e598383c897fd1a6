// SPDX-License-Identifier: MIT
//
// The residual stream between the blocks: kept, or added to.

#include <mlx/ops.h>

#include "llm/models/kv_cache.h"

namespace llm {

namespace {

/** x [B, L, C] with the vector at one position of the text, or at all. */
mx::array add_vector(
    const mx::array& x,
    const ResidualProbe::Addition& addition,
    int first) {
  const mx::array vector = mx::astype(addition.vector, x.dtype());
  if (!addition.position) {
    return mx::add(x, vector);
  }
  const int L = x.shape(1);
  const mx::array here = mx::equal(
      mx::arange(first, first + L), mx::array(*addition.position)); // [L]
  return mx::where(mx::reshape(here, {1, L, 1}), mx::add(x, vector), x);
}

} // namespace

mx::array probed(KVCache* cache, size_t i, const mx::array& x) {
  if (!cache) {
    return x;
  }
  ResidualProbe& probe = cache->residual;
  const int layer = static_cast<int>(i);
  // Blocks before this one have taken the new positions already.
  const int end = cache->layers.empty() ? 0 : cache->layers.back().length();
  const int first = i < cache->layers.size() ? end : end - x.shape(1);
  mx::array out = x;
  const auto [begin, last] = probe.additions.equal_range(layer);
  for (auto it = begin; it != last; ++it) {
    out = add_vector(out, it->second, first);
  }
  if (probe.keep) {
    probe.kept.insert_or_assign(layer, out);
  }
  return out;
}

} // namespace llm
