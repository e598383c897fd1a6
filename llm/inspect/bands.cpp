// SPDX-License-Identifier: MIT

#include "llm/inspect/bands.h"

#include <algorithm>
#include <cmath>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/kernels/attention_rows.h"
#include "llm/kernels/kernels.h"

namespace llm::inspect {

namespace {

float entropy(const float* p, int n) {
  float sum = 0;
  for (int k = 0; k < n; ++k) {
    sum -= p[k] > 0 ? p[k] * std::log(p[k]) : 0;
  }
  return sum;
}

/** In operations of MLX, some queries at a time. */
void for_bands(
    const Reading& reading,
    int layer,
    std::optional<int> head,
    const TakeRow& take) {
  constexpr int band = 128;
  for (int at = 0; at < reading.length(); at += band) {
    const int end = std::min(reading.length(), at + band);
    const mx::array rows =
        mx::contiguous(attention_rows(reading, layer, at, end, head));
    mx::eval(rows);
    const int H = rows.shape(0), n = rows.shape(1), T = rows.shape(2);
    for (int h = 0; h < H; ++h) {
      for (int q = at; q < end; ++q) {
        const float* row =
            rows.data<float>() + (static_cast<size_t>(h) * n + (q - at)) * T;
        take(head.value_or(h), q, row, entropy(row, q + 1));
      }
    }
  }
}

} // namespace

void for_rows(
    const Reading& reading,
    int layer,
    std::optional<int> head,
    const TakeRow& take) {
  if constexpr (kernels::built) {
    attention_rows(reading, layer, 0, 1, head); // checks the head
    const LayerReading& kept = captured_layer(reading, layer);
    mx::array q = mx::expand_dims(kept.queries, 0); // [1, H, T, D]
    mx::array k = reading.cache.layers[layer].read_in_order().first;
    if (kernels::usable({q, k})) {
      if (head) { // it alone, with its keys
        const int group = q.shape(1) / k.shape(1);
        q = mx::take(q, mx::array({*head}), 1);
        k = mx::take(k, mx::array({*head / group}), 1);
      }
      q = mx::contiguous(q);
      k = mx::contiguous(k);
      mx::eval(q, k);
      const float scale = kept.attention.scale != 0
          ? kept.attention.scale
          : 1.0f / std::sqrt(static_cast<float>(q.shape(-1)));
      kernels::attention_rows(
          q,
          k,
          scale,
          kept.attention.window,
          [&](int h, int query, const float* row, float own) {
            take(head.value_or(h), query, row, own);
          });
      return;
    }
  }
  for_bands(reading, layer, head, take);
}

} // namespace llm::inspect
