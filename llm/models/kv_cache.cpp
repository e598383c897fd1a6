// SPDX-License-Identifier: MIT
//
// A rotating cache keeps position p in slot p % window.

#include "llm/models/kv_cache.h"

#include <algorithm>
#include <cmath>

#include <mlx/fast.h>
#include <mlx/ops.h>

#include "llm/core/error.h"
#include "llm/nn/quantization.h"

namespace llm {

namespace {

constexpr int growth = 256;
/** For one token MLX attends with cuDNN to a cache of whole 256s, with a kernel
 * of its own to any other. On an H100 that one is up to 1.6 times faster with
 * small caches, where the host sets the pace; from so many keys in a layer on
 * it is slower, since it reads them once for each head of the queries. */
constexpr int64_t many_keys = 1 << 24; // values

mx::array between(const mx::array& x, int begin, int end) { // along axis 2
  mx::Shape from(4, 0), to = x.shape();
  from[2] = begin;
  to[2] = end;
  return mx::slice(x, from, to);
}

std::vector<mx::array> pack(const mx::array& x, const CacheOptions& o) {
  if (o.bits == 0) {
    return {x};
  }
  nn::check_quantization(x.shape(-1), o.group_size, o.bits);
  return mx::quantize(x, o.group_size, o.bits);
}

mx::array unpack(const std::vector<mx::array>& parts, const CacheOptions& o) {
  return o.bits == 0
      ? parts[0]
      : mx::dequantize(parts[0], parts[1], parts[2], o.group_size, o.bits);
}

// The smaller of two windows, where 0 is none.
int narrower(int a, int b) {
  return a == 0 || b == 0 ? std::max(a, b) : std::min(a, b);
}

} // namespace

void CacheStore::write(
    const mx::array& x,
    int at,
    const CacheOptions& options) {
  const std::vector<mx::array> packed = pack(x, options);
  const int end = at + x.shape(2);
  for (size_t i = 0; i < packed.size(); ++i) {
    reserve(i, packed[i].shape(), packed[i].dtype(), end);
    mx::Shape from(4, 0), to = packed[i].shape();
    from[2] = at;
    to[2] = end;
    parts[i] = mx::slice_update(parts[i], packed[i], from, to);
  }
}

void CacheStore::reserve(size_t i, mx::Shape shape, mx::Dtype dtype, int end) {
  const int capacity = i < parts.size() ? parts[i].shape(2) : 0;
  if (end <= capacity) {
    return;
  }
  shape[2] = (end + growth - 1) / growth * growth;
  const int64_t keys = int64_t{shape[0]} * shape[1] * shape[2] * shape[3];
  shape[2] += (keys < many_keys ? 1 : 0) - capacity;
  const mx::array zeros = mx::zeros(shape, dtype);
  if (capacity == 0) {
    parts.push_back(zeros);
  } else {
    parts[i] = mx::concatenate({parts[i], zeros}, 2);
  }
}

mx::array CacheStore::read(int begin, int end, const CacheOptions& options)
    const {
  std::vector<mx::array> some;
  for (const mx::array& part : parts) {
    some.push_back(between(part, begin, end));
  }
  return unpack(some, options);
}

LayerCache::LayerCache(CacheOptions options) : options_(options) {}

nn::Positions LayerCache::positions() const {
  nn::Positions out{.start = length_};
  if (padding_ && padding_->any()) {
    out.rows = padding_->rows(length_);
  }
  if (!rows_.empty()) {
    std::vector<int32_t> lengths;
    for (const LayerCache* row : rows_) {
      lengths.push_back(row->length_);
    }
    out.rows = mx::array(
        lengths.data(), mx::Shape{static_cast<int>(lengths.size())}, mx::int32);
  }
  return out;
}

int LayerCache::held() const {
  return options_.window == 0 ? length_ : std::min(length_, options_.window);
}

std::pair<mx::array, mx::array> LayerCache::read_in_order() const {
  const int n = held(), first = length_ > n ? length_ % n : 0;
  const auto read = [&](const CacheStore& store) {
    const mx::array head = store.read(first, n, options_);
    return first == 0
        ? head
        : mx::concatenate({head, store.read(0, first, options_)}, 2);
  };
  return {read(keys_), read(values_)};
}

std::pair<mx::array, mx::array> LayerCache::append(
    const mx::array& k,
    const mx::array& v) {
  // [snippet append]
  const int L = k.shape(2), window = options_.window;
  if (window == 0 || L == 1) {
    const int at = window == 0 ? length_ : length_ % window;
    keys_.write(k, at, options_);
    values_.write(v, at, options_);
    length_ += L;
    return {keys_.read(0, held(), options_), values_.read(0, held(), options_)};
  }
  // [/snippet]
  // The first of the new queries sees window - 1 of the old positions.
  mx::array all_k = unpack(pack(k, options_), options_);
  mx::array all_v = unpack(pack(v, options_), options_);
  if (const int n = held(); n > 0) {
    const auto [old_k, old_v] = read_in_order();
    const int begin = std::max(0, n - (window - 1));
    all_k = mx::concatenate({between(old_k, begin, n), all_k}, 2);
    all_v = mx::concatenate({between(old_v, begin, n), all_v}, 2);
  }
  for (int i = std::max(0, L - window); i < L;) {
    const int slot = (length_ + i) % window;
    const int end = i + std::min(L - i, window - slot);
    keys_.write(between(k, i, end), slot, options_);
    values_.write(between(v, i, end), slot, options_);
    i = end;
  }
  length_ += L;
  return {all_k, all_v};
}

mx::array LayerCache::attend(
    const mx::array& q,
    const mx::array& k,
    const mx::array& v,
    const nn::AttentionOptions& options) {
  attention = options;
  attention.window = narrower(options.window, options_.window);
  if (keep_queries) {
    queries = q;
  }
  if (rows_.empty()) {
    const auto [keys, values] = append(k, v);
    if (padding_ && padding_->any()) {
      const float D = static_cast<float>(q.shape(3));
      return mx::fast::scaled_dot_product_attention(
          q,
          keys,
          values,
          attention.scale != 0 ? attention.scale : 1 / std::sqrt(D),
          "array",
          padding_->mask(keys.shape(2)));
    }
    const mx::array y = nn::causal_attention(q, keys, values, attention);
    // [snippet head-scale]
    return head_scale ? mx::multiply(y, mx::reshape(*head_scale, {1, -1, 1, 1}))
                      : y;
    // [/snippet]
  }
  std::vector<mx::array> out;
  for (int b = 0; b < static_cast<int>(rows_.size()); ++b) {
    const auto row = [b](const mx::array& x) {
      mx::Shape from(4, 0), to = x.shape();
      from[0] = b;
      to[0] = b + 1;
      return mx::slice(x, from, to);
    };
    out.push_back(rows_[b]->attend(row(q), row(k), row(v), options));
  }
  return mx::concatenate(out, 0);
}

bool LayerCache::can_trim(int length) const {
  if (!rows_.empty()) {
    return std::all_of(rows_.begin(), rows_.end(), [&](const auto* row) {
      return row->can_trim(length);
    });
  }
  return length >= length_ || options_.window == 0 ||
      length_ <= options_.window;
}

void LayerCache::trim(int length) {
  if (!can_trim(length)) {
    throw UsageError(
        "KVCache",
        "expected a length from " + std::to_string(length_) + " but received " +
            std::to_string(length) +
            "; a rotating cache that is full has forgotten what came before.");
  }
  length_ = std::min(length_, length);
  for (LayerCache* row : rows_) {
    row->trim(length);
  }
}

nn::Positions positions(const LayerCache* cache) {
  return cache ? cache->positions() : nn::Positions{};
}

mx::array attend(
    LayerCache* cache,
    const mx::array& q,
    const mx::array& k,
    const mx::array& v,
    const nn::AttentionOptions& options) {
  return cache ? cache->attend(q, k, v, options)
               : nn::causal_attention(q, k, v, options);
}

mx::array
add_mlp(const LayerCache* cache, const mx::array& h, const mx::array& found) {
  return cache && cache->mlp_scale
      ? mx::add(h, mx::multiply(found, mx::array(*cache->mlp_scale)))
      : mx::add(h, found);
}

KVCache::KVCache(const std::vector<int>& windows, const CacheOptions& options) {
  if (options.bits != 0) {
    nn::check_quantization(
        options.group_size, options.group_size, options.bits);
  }
  for (int window : windows) {
    CacheOptions own = options;
    own.window = narrower(window, options.window);
    layers.emplace_back(own);
  }
}

KVCache KVCache::batch(const std::vector<KVCache*>& rows) {
  KVCache out;
  for (size_t i = 0; i < rows.at(0)->layers.size(); ++i) {
    LayerCache& layer = out.layers.emplace_back();
    for (KVCache* row : rows) {
      layer.rows_.push_back(&row->layers.at(i));
    }
  }
  return out;
}

int KVCache::length() const {
  if (layers.empty()) {
    return 0;
  }
  int length = layers.front().length_;
  for (const LayerCache* row : layers.front().rows_) {
    length = std::max(length, row->length_);
  }
  return length;
}

nn::Positions KVCache::positions() const {
  return layers.empty() ? nn::Positions{} : layers.front().positions();
}

bool KVCache::can_trim(int length) const {
  return std::all_of(layers.begin(), layers.end(), [&](const LayerCache& l) {
    return l.can_trim(length);
  });
}

void KVCache::trim(int length) {
  for (LayerCache& layer : layers) {
    layer.trim(length);
  }
}

std::vector<mx::array> KVCache::arrays() const {
  std::vector<mx::array> out;
  const auto add = [&out](const LayerCache& layer) {
    for (const CacheStore* store : {&layer.keys_, &layer.values_}) {
      out.insert(out.end(), store->parts.begin(), store->parts.end());
    }
  };
  for (const LayerCache& layer : layers) {
    add(layer);
    for (const LayerCache* row : layer.rows_) {
      add(*row);
    }
  }
  return out;
}

} // namespace llm
