// SPDX-License-Identifier: MIT
//
// Walks over a layer's attention band by band, so that no T x T matrix of all
// heads is ever held. Internal to inspect.

#pragma once

#include <algorithm>
#include <optional>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/inspect/attention.h"

namespace llm::inspect {

/** Calls f(first query, weights [H or 1, n, T], evaluated). */
template <class F>
void for_bands(
    const Reading& reading,
    int layer,
    std::optional<int> head,
    F&& f) {
  constexpr int band = 128;
  for (int at = 0; at < reading.length(); at += band) {
    const int end = std::min(reading.length(), at + band);
    const mx::array rows =
        mx::contiguous(attention_rows(reading, layer, at, end, head));
    mx::eval(rows);
    f(at, rows);
  }
}

} // namespace llm::inspect
