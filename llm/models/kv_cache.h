// SPDX-License-Identifier: MIT
//
// The key-value cache: keys and values of the positions a model has read, so
// that a new token costs one position and not the whole text again.

#pragma once

#include <optional>
#include <utility>
#include <vector>

#include <mlx/array.h>

namespace llm {

/** Keys and values of one layer. */
struct LayerCache {
  std::optional<mlx::core::array> keys;   // [B, H_kv, capacity, D]
  std::optional<mlx::core::array> values; // [B, H_kv, capacity, D]
  int length = 0;                         ///< positions in use

  /** Appends k, v [B, H_kv, L, D]; returns all of them, [B, H_kv, S, D].
   * Capacity grows by 256 positions, so that most steps copy nothing. */
  std::pair<mlx::core::array, mlx::core::array> append(
      const mlx::core::array& k,
      const mlx::core::array& v);
};

struct KVCache {
  std::vector<LayerCache> layers;

  explicit KVCache(int layer_count) : layers(layer_count) {}

  /** Positions held: the position of the next token. */
  int length() const {
    return layers.empty() ? 0 : layers.front().length;
  }

  /** Forgets the positions from `length` on. */
  void trim(int length);

  /** The arrays to evaluate, so that no graph grows from token to token. */
  std::vector<mlx::core::array> arrays() const;
};

} // namespace llm
