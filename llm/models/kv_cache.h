// SPDX-License-Identifier: MIT
//
// The key-value cache: keys and values of the positions a model has read, so
// that a new token costs one position and not the whole text again. It grows,
// or keeps only the last `window` positions (rotating), in full precision or
// in a few bits. A batch of texts of different lengths is a list of caches.

#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <mlx/array.h>

#include "llm/nn/attention.h"
#include "llm/nn/decode.h"
#include "llm/nn/rope.h"

namespace llm {

namespace mx = mlx::core;

struct CacheOptions {
  int window = 0;      ///< keep this many positions; 0: all
  int bits = 0;        ///< 8 or 4: quantized keys and values; 0: as they come
  int group_size = 64; ///< values that share a scale; divides D
};

/** Arrays [B, H_kv, n, *] that are filled along n: one, or three (packed,
 * scales, biases) when they are quantized. */
class CacheStore {
 public:
  /** Overwrites positions from `at` on with x [B, H_kv, L, D]. Grows by steps
   * of 256 positions, so that most writes copy nothing. */
  void write(const mx::array& x, int at, const CacheOptions& options);

  /** Makes room in part i for positions up to `end`, of `shape` but for n. */
  void reserve(size_t i, mx::Shape shape, mx::Dtype dtype, int end);

  /** Positions begin..end, as they were given (or nearly, in a few bits). */
  mx::array read(int begin, int end, const CacheOptions& options) const;

  std::vector<mx::array> parts;
};

/** Texts of different lengths in one array: each begins after `left` places
 * that nobody sees. Shared by the layers, which all ask the same. */
class LeftPadding {
 public:
  explicit LeftPadding(std::vector<int32_t> left);

  /** False where all texts have one length: then nothing is to be done. */
  bool any() const {
    return any_;
  }
  int32_t left(size_t text) const {
    return left_[text];
  }
  /** Positions [B] of the next tokens, int32, when `length` places are read. */
  const mx::array& rows(int length);
  /** [B, 1, 1, S]: true where there is something to see. */
  const mx::array& mask(int S);
  /** [B, 1, length, 1], int32: what lies at each place, of texts that are
   * padded on the right; anything where nobody looks. */
  mx::array sources(int length) const;

 private:
  std::vector<int32_t> left_;
  bool any_;
  mx::array array_; // [B]
  int rows_for_ = -1, mask_for_ = -1;
  std::optional<mx::array> rows_, mask_;
};

/** Keys and values of one layer. */
class LayerCache {
 public:
  explicit LayerCache(CacheOptions options = {});

  /** Position of the next token: how many have been read. */
  int length() const {
    return length_;
  }
  nn::Positions positions() const;

  /** Appends k, v [B, H_kv, L, D]; returns all that the new queries may see,
   * the new ones last, [B, H_kv, S, D] each. (One new token in a rotating
   * cache: in any order, which makes no difference to its query.) */
  std::pair<mx::array, mx::array> append(
      const mx::array& k,
      const mx::array& v);

  /** Appends k, v and attends with q [B, H, L, D] -> [B, H, L, D]; a ragged
   * batch row by row. */
  mx::array attend(
      const mx::array& q,
      const mx::array& k,
      const mx::array& v,
      const nn::AttentionOptions& options = {});

  /** A whole block for one new token of each text, x [B, 1, C] -> [B, 1, C],
   * in one operation. */
  mx::array decode(const mx::array& x, const nn::DecodeBlock& block);
  /** False where its layers must run one by one (nn/decode.h), for keys and
   * values in a few bits or of another shape, and where one cache holds several
   * texts. */
  bool can_decode(const mx::array& x, const nn::DecodeBlock& block) const;

  /** If set, the queries [B, H, L, D] of the last call as they were used: with
   * the keys they give any row of the attention (by `attention`). */
  bool keep_queries = false;
  std::optional<mx::array> queries;
  nn::AttentionOptions attention = {}; ///< of the last call
  /** Keys and values [B, H_kv, n, D] that are held, oldest first. */
  std::pair<mx::array, mx::array> read_in_order() const;

  /** What the heads found times this, [H]; what the MLP found times that: for
   * asking what depends on them. */
  std::optional<mx::array> head_scale;
  std::optional<float> mlp_scale;

  /** True if the positions from `length` on can be forgotten: a rotating cache
   * that is full has overwritten what would be needed. */
  bool can_trim(int length) const;
  void trim(int length);

 private:
  friend class KVCache;

  int held() const; // positions in the stores
  nn::CachedRow next_row(const mx::Shape& shape, mx::Dtype dtype, int window);

  CacheOptions options_;
  CacheStore keys_, values_;
  int length_ = 0;
  nn::PreparedDecode prepared_;
  std::vector<LayerCache*> rows_;        // not empty: a batch of them
  std::shared_ptr<LeftPadding> padding_; // several texts in the arrays
};

/** positions() and attend() for a model that may have been given no cache. */
nn::Positions positions(const LayerCache* cache);
mx::array attend(
    LayerCache* cache,
    const mx::array& q,
    const mx::array& k,
    const mx::array& v,
    const nn::AttentionOptions& options = {});

/** h + what the MLP found, which the cache may scale. */
mx::array
add_mlp(const LayerCache* cache, const mx::array& h, const mx::array& found);

/** What is kept of the residual stream, or added to it, before block i; i = the
 * number of blocks: after the last. Not for batches of several texts. */
struct ResidualProbe {
  bool keep = false;
  std::map<int, mx::array> kept; ///< i -> [B, L, C] of the last call
  struct Addition {
    mx::array vector;            ///< [C]
    std::optional<int> position; ///< none: all
  };
  std::multimap<int, Addition> additions;
};

class KVCache {
 public:
  /** windows[i] bounds layer i (0: all positions), and so does
   * options.window; the smaller one counts. Throws UsageError for bits or
   * groups that do not exist. */
  explicit KVCache(
      const std::vector<int>& windows,
      const CacheOptions& options = {});

  /** One cache for a batch: row b of the tokens continues *rows[b]. The rows
   * must outlive it. */
  static KVCache batch(const std::vector<KVCache*>& rows);

  /** The same as one array for each layer, for a GPU, which is fast at much
   * work of one kind: it takes the rows' contents, and unstack() gives them
   * back. Only where can_stack(). For one new token of each text at a time. */
  static KVCache stack(const std::vector<KVCache*>& rows);
  void unstack(const std::vector<KVCache*>& rows) const;
  /** False for rotating caches and for keys and values in a few bits. */
  bool can_stack() const;
  /** After several texts were read together, [B, L], padded on the right to the
   * longest: what stack() would make of them. */
  void align(const std::vector<int>& lengths);
  /** The same, but row b gets its lengths[b] positions. */
  void divide(
      const std::vector<KVCache*>& rows,
      const std::vector<int>& lengths) const;

  std::vector<LayerCache> layers;
  ResidualProbe residual;

  /** Positions read; of a batch, the most. */
  int length() const;

  nn::Positions positions() const;

  /** Forgets the positions from `length` on (a batch: of each row); see
   * LayerCache::can_trim. */
  bool can_trim(int length) const;
  void trim(int length);

  /** The arrays to evaluate, so that no graph grows from token to token. */
  std::vector<mx::array> arrays() const;

  /** Everything by name, for a file ("prompt cache"), and back into a cache of
   * the same model and options. InputError when it does not fit. */
  std::map<std::string, mx::array> state() const;
  void restore(const std::map<std::string, mx::array>& state);

 private:
  KVCache() = default;
  /** Row b gets the positions [begin, end) of `places`. */
  void hand_out(
      const std::vector<KVCache*>& rows,
      const std::vector<std::pair<int, int>>& places) const;
};

/** The residual stream x [B, L, C] before block i, as the cache's probe wants
 * it; to be called before the cache takes these positions. */
mx::array probed(KVCache* cache, size_t i, const mx::array& x);

} // namespace llm
