// SPDX-License-Identifier: MIT
//
// Caches of several texts as one array for each layer. The ends are aligned, so
// that all write their next token at the same place.

#include <algorithm>

#include <mlx/ops.h>

#include "llm/models/kv_cache.h"

namespace llm {

LeftPadding::LeftPadding(std::vector<int32_t> left)
    : left_(std::move(left)),
      any_(std::any_of(
          left_.begin(),
          left_.end(),
          [](int32_t n) { return n > 0; })),
      array_(left_.data(), mx::Shape{static_cast<int>(left_.size())}) {}

const mx::array& LeftPadding::rows(int length) {
  if (rows_for_ != length) {
    rows_ = mx::subtract(mx::array(length, mx::int32), array_);
    rows_for_ = length;
  }
  return *rows_;
}

const mx::array& LeftPadding::mask(int S) {
  if (mask_for_ != S) {
    mask_ = mx::greater_equal(
        mx::arange(0, S, mx::int32), mx::reshape(array_, {-1, 1, 1, 1}));
    mask_for_ = S;
  }
  return *mask_;
}

mx::array LeftPadding::sources(int length) const {
  const mx::array to = mx::reshape(mx::arange(0, length, mx::int32), {-1, 1});
  const mx::array left = mx::reshape(array_, {-1, 1, 1, 1});
  return mx::maximum(mx::subtract(to, left), mx::array(0));
}

namespace {

/** Of texts of these lengths, with their ends aligned. */
std::shared_ptr<LeftPadding> padding_of(const std::vector<int>& lengths) {
  const int longest = *std::max_element(lengths.begin(), lengths.end());
  std::vector<int32_t> left;
  for (int length : lengths) {
    left.push_back(longest - length);
  }
  return std::make_shared<LeftPadding>(left);
}

} // namespace

bool KVCache::can_stack() const {
  return std::all_of(layers.begin(), layers.end(), [](const LayerCache& l) {
    return l.options_.window == 0 && l.options_.bits == 0 && l.rows_.empty() &&
        !l.head_scale && !l.mlp_scale && !l.keep_queries;
  });
}

KVCache KVCache::stack(const std::vector<KVCache*>& rows) {
  std::vector<int> lengths;
  for (const KVCache* row : rows) {
    lengths.push_back(row->length());
  }
  const int longest = *std::max_element(lengths.begin(), lengths.end());
  const auto padding = padding_of(lengths);
  const auto join = [&](size_t i, CacheStore LayerCache::* store) {
    std::vector<mx::array> texts;
    const auto full = std::find_if(
        rows.begin(), rows.end(), [](auto* row) { return row->length() > 0; });
    const mx::array& like = ((*full)->layers[i].*store).parts.at(0);
    for (size_t b = 0; b < rows.size(); ++b) {
      const LayerCache& layer = rows[b]->layers[i];
      if (layer.length_ == 0) { // nothing is read of it yet
        texts.push_back(mx::zeros(
            {1, like.shape(1), longest, like.shape(3)}, like.dtype()));
        continue;
      }
      const mx::array x = (layer.*store).read(0, layer.length_, layer.options_);
      texts.push_back(mx::pad(
          x, std::vector<int>{2}, mx::Shape{padding->left(b)}, mx::Shape{0}));
    }
    return mx::concatenate(texts, 0);
  };
  KVCache out;
  for (size_t i = 0; i < rows.at(0)->layers.size(); ++i) {
    LayerCache& layer = out.layers.emplace_back();
    layer.length_ = longest;
    layer.padding_ = padding;
    if (longest > 0) {
      layer.keys_.parts = {join(i, &LayerCache::keys_)};
      layer.values_.parts = {join(i, &LayerCache::values_)};
    }
  }
  return out;
}

void KVCache::hand_out(
    const std::vector<KVCache*>& rows,
    const std::vector<std::pair<int, int>>& places) const {
  for (size_t b = 0; b < rows.size(); ++b) {
    const auto [begin, end] = places[b];
    for (size_t i = 0; i < layers.size(); ++i) {
      const int row = static_cast<int>(b);
      const auto part = [&, begin = begin, end = end](const CacheStore& store) {
        const mx::array& x = store.parts.at(0);
        return mx::contiguous(mx::slice(
            x, {row, 0, begin, 0}, {row + 1, x.shape(1), end, x.shape(3)}));
      };
      LayerCache& to = rows[b]->layers[i];
      to.length_ = end - begin;
      to.keys_.parts = {part(layers[i].keys_)};
      to.values_.parts = {part(layers[i].values_)};
    }
  }
}

void KVCache::unstack(const std::vector<KVCache*>& rows) const {
  std::vector<std::pair<int, int>> places;
  for (size_t b = 0; b < rows.size(); ++b) {
    places.emplace_back(layers.at(0).padding_->left(b), length());
  }
  hand_out(rows, places);
}

void KVCache::align(const std::vector<int>& lengths) {
  const auto padding = padding_of(lengths);
  for (LayerCache& layer : layers) {
    layer.padding_ = padding;
  }
  if (!padding->any()) {
    return;
  }
  const mx::array from = padding->sources(length());
  for (LayerCache& layer : layers) {
    for (CacheStore* store : {&layer.keys_, &layer.values_}) {
      const mx::array x = store->read(0, length(), layer.options_);
      store->parts = {mx::take_along_axis(x, from, 2)};
    }
  }
}

void KVCache::divide(
    const std::vector<KVCache*>& rows,
    const std::vector<int>& lengths) const {
  std::vector<std::pair<int, int>> places;
  for (int length : lengths) {
    places.emplace_back(0, length);
  }
  hand_out(rows, places);
}

} // namespace llm
