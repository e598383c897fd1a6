// SPDX-License-Identifier: MIT
//
// Rows are computed in bands of queries, so that no T x T matrix of all heads
// is ever held.

#include "llm/inspect/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/core/error.h"
#include "llm/inspect/bands.h"

namespace llm::inspect {

const LayerReading& captured_layer(const Reading& reading, int layer) {
  const int n = static_cast<int>(reading.layers.size());
  if (layer < 0 || layer >= n || !reading.layers[layer]) {
    throw UsageError(
        "inspect",
        "expected a layer that was captured, from 0 to " +
            std::to_string(n - 1) + ", but received " + std::to_string(layer) +
            ".");
  }
  return *reading.layers[layer];
}

namespace {

void check_index(const char* what, int value, int size) {
  if (value < 0 || value >= size) {
    throw UsageError(
        "inspect",
        std::string("expected ") + what + " from 0 to " +
            std::to_string(size - 1) + " but received " +
            std::to_string(value) + ".");
  }
}

/** [n, T], true where query begin + i sees a key. */
mx::array seen(int begin, int end, int T, int window) {
  const mx::array query = mx::reshape(mx::arange(begin, end), {end - begin, 1});
  const mx::array key = mx::arange(T);
  const mx::array past = mx::greater_equal(query, key);
  return window == 0
      ? past
      : mx::logical_and(past, mx::less(query, mx::add(key, mx::array(window))));
}

/** x [H_kv, T, D] -> [H, T, D]: each key-value head serves several queries. */
mx::array for_queries(const mx::array& x, int heads) {
  return mx::repeat(x, heads / x.shape(0), 0);
}

mx::array held(const Reading& reading, int layer, bool values) {
  const auto [k, v] = reading.cache.layers[layer].read_in_order();
  return mx::squeeze(values ? v : k, 0); // [H_kv, T, D]
}

} // namespace

namespace {

/** q [H, n, D], k [H, T, D], the first query at position `begin` -> weights
 * [H, n, T] float32. */
mx::array weights(
    const mx::array& q,
    const mx::array& k,
    const nn::AttentionOptions& options,
    int begin) {
  const float scale = options.scale != 0
      ? options.scale
      : 1.0f / std::sqrt(static_cast<float>(q.shape(-1)));
  // [snippet inspect-weights]
  const mx::array scores = mx::multiply(
      mx::matmul(
          mx::astype(q, mx::float32),
          mx::swapaxes(mx::astype(k, mx::float32), 1, 2)),
      mx::array(scale));
  const mx::array masked = mx::where(
      seen(begin, begin + q.shape(1), k.shape(1), options.window),
      scores,
      mx::array(-std::numeric_limits<float>::infinity()));
  return mx::softmax(masked, -1, /* precise = */ true);
  // [/snippet]
}

} // namespace

mx::array attention_rows(
    const Reading& reading,
    int layer,
    int begin,
    int end,
    std::optional<int> head) {
  const LayerReading& kept = captured_layer(reading, layer);
  const int H = kept.queries.shape(0), T = kept.queries.shape(1),
            D = kept.queries.shape(2);
  check_index("a position", begin, T);
  check_index("a position", end - 1, T);
  check_index("a head", head.value_or(0), H);
  const int first = head.value_or(0), last = head ? first + 1 : H;
  const mx::array keys = for_queries(held(reading, layer, false), H);
  return weights(
      mx::slice(kept.queries, {first, begin, 0}, {last, end, D}),
      mx::slice(keys, {first, 0, 0}, {last, T, D}),
      kept.attention,
      begin);
}

mx::array last_row(const LayerCache& cache, const LayerReading& last) {
  const mx::array keys = for_queries(
      mx::squeeze(cache.read_in_order().first, 0), last.queries.shape(0));
  return mx::squeeze(
      weights(last.queries, keys, last.attention, keys.shape(1) - 1), 1);
}

mx::array attended(const Reading& reading, int layer) {
  const LayerReading& kept = captured_layer(reading, layer);
  const int H = kept.queries.shape(0), T = kept.queries.shape(1);
  const mx::array v =
      mx::astype(for_queries(held(reading, layer, true), H), mx::float32);
  return mx::matmul(attention_rows(reading, layer, 0, T), v);
}

mx::array value_norms(const Reading& reading, int layer) {
  captured_layer(reading, layer);
  const mx::array v = mx::astype(held(reading, layer, true), mx::float32);
  return mx::sqrt(mx::sum(mx::square(v), -1)); // [H_kv, T]
}

std::vector<float>
attention_row(const Reading& reading, int layer, int head, int q) {
  const mx::array row = mx::contiguous(
      mx::flatten(attention_rows(reading, layer, q, q + 1, head))); // [T]
  mx::eval(row);
  return {row.data<float>(), row.data<float>() + q + 1};
}

namespace {

/** Where each cell begins among T positions, and where the last one ends. */
std::vector<int> edges_of(int T, int side) {
  std::vector<int> out(side + 1);
  for (int i = 0; i <= side; ++i) {
    out[i] = static_cast<int>(int64_t{i} * T / side);
  }
  return out;
}

/** The largest weight of each cell goes into the picture. `factor` [T] may be
 * null. */
void pool(
    Picture& picture,
    const std::vector<int>& edges,
    int query,
    const float* row,
    const float* factor) {
  const auto above = std::upper_bound(edges.begin(), edges.end(), query);
  const auto line = static_cast<size_t>(above - edges.begin() - 1);
  float* out = picture.cells.data() + line * picture.side;
  const auto go = [&](auto weight) {
    int k = 0;
    for (size_t cell = 0; cell <= line; ++cell) {
      const int end = std::min(edges[cell + 1], query + 1);
      float most = out[cell];
      for (; k < end; ++k) {
        most = std::max(most, weight(k));
      }
      out[cell] = most;
    }
  };
  if (factor) {
    go([&](int k) { return row[k] * factor[k]; });
  } else {
    go([&](int k) { return row[k]; });
  }
}

Picture empty_picture(int T, int size) {
  const int side = std::min(size, T);
  return {side, std::vector<float>(static_cast<size_t>(side) * side)};
}

} // namespace

Picture head_picture(
    const Reading& reading,
    int layer,
    int head,
    int size,
    bool weighted) {
  const mx::array& queries = captured_layer(reading, layer).queries;
  const int H = queries.shape(0), T = queries.shape(1);
  check_index("a head", head, H);
  Picture out = empty_picture(T, size);
  const std::vector<int> edges = edges_of(T, out.side);
  const mx::array norms = mx::contiguous(value_norms(reading, layer));
  mx::eval(norms);
  const int group = H / norms.shape(0);
  const float* factor = weighted
      ? norms.data<float>() + static_cast<size_t>(head / group) * T
      : nullptr;
  const TakeRow take = [&](int, int q, const float* row, float) {
    pool(out, edges, q, row, factor);
  };
  for_rows(reading, layer, head, take);
  return out;
}

std::vector<Picture>
layer_pictures(const Reading& reading, int layer, int size) {
  const mx::array& queries = captured_layer(reading, layer).queries;
  const int H = queries.shape(0), T = queries.shape(1);
  std::vector<Picture> out(H, empty_picture(T, size));
  const std::vector<int> edges = edges_of(T, out[0].side);
  const TakeRow take = [&](int h, int q, const float* row, float) {
    pool(out[h], edges, q, row, nullptr);
  };
  for_rows(reading, layer, {}, take);
  return out;
}

} // namespace llm::inspect
