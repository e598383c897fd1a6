// SPDX-License-Identifier: MIT
//
// One new token of each text through a block and its cache, in one operation.

#include <algorithm>

#include "llm/models/kv_cache.h"

namespace llm {

bool LayerCache::can_decode(const mx::array& x, const nn::DecodeBlock& block)
    const {
  const int texts = rows_.empty() ? 1 : static_cast<int>(rows_.size());
  const int D = block.k.out() / block.kv_heads;
  const auto holds_one_text = [&](const CacheStore& store) {
    return std::all_of(
        store.parts.begin(), store.parts.end(), [&](const mx::array& part) {
          return part.dtype() == x.dtype() && part.shape(0) == 1 &&
              part.shape(1) == block.kv_heads && part.shape(3) == D;
        });
  };
  const auto fits = [&](const LayerCache& c) {
    // Slots of a rotating cache are in no order: all of them must be seen.
    const bool all = block.window == 0 || c.options_.window <= block.window;
    const bool plain = !c.head_scale && !c.mlp_scale;
    return plain && c.options_.bits == 0 && all && holds_one_text(c.keys_) &&
        holds_one_text(c.values_);
  };
  return texts == x.shape(0) && fits(*this) &&
      std::all_of(
             rows_.begin(),
             rows_.end(),
             [&](const LayerCache* row) { return fits(*row); }) &&
      nn::can_decode(x, block);
}

/** Room for one more token, whose key has `shape`, [1, H_kv, 1, D]. */
nn::CachedRow
LayerCache::next_row(const mx::Shape& shape, mx::Dtype dtype, int window) {
  const int position = length_++;
  const int slot = options_.window == 0 ? position : position % options_.window;
  keys_.reserve(0, shape, dtype, slot + 1);
  values_.reserve(0, shape, dtype, slot + 1);
  // A rotating cache holds no more than the window, in any order.
  const int end = held();
  const int begin = window > 0 && window < end ? end - window : 0;
  return {keys_.parts[0], values_.parts[0], position, slot, begin, end};
}

mx::array LayerCache::decode(const mx::array& x, const nn::DecodeBlock& block) {
  const mx::Shape key = {1, block.kv_heads, 1, block.k.out() / block.kv_heads};
  const std::vector<LayerCache*> texts =
      rows_.empty() ? std::vector<LayerCache*>{this} : rows_;
  std::vector<nn::CachedRow> rows;
  for (LayerCache* text : texts) {
    rows.push_back(text->next_row(key, x.dtype(), block.window));
  }
  const nn::Decoded out = nn::decode_block(x, block, rows, texts[0]->prepared_);
  for (size_t b = 0; b < texts.size(); ++b) {
    texts[b]->keys_.parts[0] = out.stores[b].first;
    texts[b]->values_.parts[0] = out.stores[b].second;
  }
  attention = {.window = block.window};
  if (keep_queries) {
    queries = out.queries;
  }
  return out.y;
}

} // namespace llm
