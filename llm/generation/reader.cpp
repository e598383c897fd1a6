// SPDX-License-Identifier: MIT

#include "llm/generation/reader.h"

#include <algorithm>

#include <mlx/ops.h>
#include <mlx/transforms.h>

namespace llm {

mx::array
Reader::read(const std::vector<int32_t>& text, size_t from, size_t to) {
  const mx::array tokens(
      text.data() + from, mx::Shape{1, static_cast<int>(to - from)}, mx::int32);
  if (!use_cache_) {
    return model_.logits(tokens);
  }
  const mx::array out = model_.logits(tokens, &cache_.cache);
  cache_.ids.insert(cache_.ids.end(), text.begin() + from, text.begin() + to);
  return out;
}

bool Reader::prepare(
    const std::vector<int32_t>& text,
    int n,
    const PrefillProgress& progress) {
  const size_t context = model_.context_length();
  if (text.size() - begin_ > context) {
    begin_ = text.size() - std::max(size_t{1}, context / 2);
  }
  if (!use_cache_) {
    return true;
  }
  const size_t end = text.size() - n;
  keep_beginning(
      cache_,
      model_,
      {text.data() + begin_, text.size() - begin_},
      end - begin_);
  const size_t first = begin_ + cache_.ids.size();
  const int total = static_cast<int>(text.size() - first);
  for (size_t at = first; at < end;) {
    const size_t next = std::min(end, at + chunk_);
    read(text, at, next); // the logits are never computed
    mx::eval(cache_.cache.arrays());
    at = next;
    if (progress && !progress(static_cast<int>(at - first), total)) {
      return false;
    }
  }
  return true;
}

mx::array Reader::logits(const std::vector<int32_t>& text, int n) {
  const size_t from = use_cache_ ? begin_ + cache_.ids.size() : begin_;
  const mx::array all = read(text, from, text.size()); // [1, L, V]
  const int L = all.shape(1), V = all.shape(2);
  return mx::astype(
      mx::reshape(mx::slice(all, {0, L - n, 0}, {1, L, V}), {n, V}),
      mx::float32);
}

mx::array Reader::logits_after(const mx::array& id) {
  const mx::array all =
      model_.logits(mx::reshape(id, {1, 1}), &cache_.cache); // [1, 1, V]
  return mx::astype(mx::reshape(all, {1, -1}), mx::float32);
}

int Reader::room(const std::vector<int32_t>& text) const {
  int limit = model_.context_length();
  std::vector<int> windows = model_.layer_windows();
  windows.push_back(cache_.options.window);
  for (int window : windows) {
    limit = window > 0 ? std::min(limit, window) : limit;
  }
  return std::max(0, limit - static_cast<int>(text.size() - begin_));
}

} // namespace llm
