// SPDX-License-Identifier: MIT
//
// One new token of each text through the cache, in one operation.

#include <algorithm>

#include "llm/models/kv_cache.h"

namespace llm {

bool LayerCache::can_decode(int texts) const {
  const int held = rows_.empty() ? 1 : static_cast<int>(rows_.size());
  return held == texts && options_.bits == 0 &&
      std::all_of(rows_.begin(), rows_.end(), [](const LayerCache* row) {
           return row->can_decode(1);
         });
}

/** Room for one more token, whose key has `shape`, [1, H_kv, 1, D]. */
nn::CachedRow
LayerCache::next_row(const mx::Shape& shape, mx::Dtype dtype, int window) {
  const int position = length_++;
  const int slot = options_.window == 0 ? position : position % options_.window;
  keys_.reserve(0, shape, dtype, slot + 1);
  values_.reserve(0, shape, dtype, slot + 1);
  // A rotating cache holds no more than its window, in any order.
  const int end = held();
  const int begin = window > 0 && window < end ? end - window : 0;
  return {keys_.parts[0], values_.parts[0], position, slot, begin, end};
}

mx::array LayerCache::decode(
    const mx::array& qkv,
    const nn::DecodeHeads& heads) {
  const int D = qkv.shape(-1) / (heads.heads + 2 * heads.kv_heads);
  const mx::Shape shape = {1, heads.kv_heads, 1, D};
  const std::vector<LayerCache*> texts =
      rows_.empty() ? std::vector<LayerCache*>{this} : rows_;
  std::vector<nn::CachedRow> rows;
  for (LayerCache* text : texts) {
    rows.push_back(text->next_row(shape, qkv.dtype(), heads.window));
  }
  const nn::Attended out = nn::attend_cached(qkv, rows, heads);
  for (size_t b = 0; b < texts.size(); ++b) {
    texts[b]->keys_.parts[0] = out.stores[b].first;
    texts[b]->values_.parts[0] = out.stores[b].second;
  }
  if (keep_queries) {
    queries = out.queries;
  }
  return out.y;
}

} // namespace llm
