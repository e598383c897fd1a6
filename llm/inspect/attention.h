// SPDX-License-Identifier: MIT
//
// The attention of a text that was read, from its queries and keys, on demand:
// rows, pictures of a head, of all heads, and what kind of head it is.

#pragma once

#include <optional>
#include <vector>

#include "llm/inspect/reading.h"

namespace llm::inspect {

/** softmax(q K^T scale) of queries begin..end-1 -> [H, end - begin, T] float32,
 * or of one head, [1, ...]; exactly 0 where a query does not look. UsageError
 * for a layer whose queries were not kept, or positions out of range. */
mx::array attention_rows(
    const Reading& reading,
    int layer,
    int begin,
    int end,
    std::optional<int> head = std::nullopt);

/** The row of the last token alone, while the text grows: its queries
 * [H, 1, D] against all keys of the cache -> [H, n], lazy. */
mx::array last_row(const LayerCache& cache, const LayerReading& last);

/** What the layer's heads found: attention_rows times the values, [H, T, D].
 * The same as the fused operation gave the model, to rounding. */
mx::array attended(const Reading& reading, int layer);

/** The length of each value vector, by its key-value head: [H_kv, T]. */
mx::array value_norms(const Reading& reading, int layer);

/** A head's row for query q: q + 1 weights. */
std::vector<float>
attention_row(const Reading& reading, int layer, int head, int q);

/** Pictures of side s = min(size, T). Cell (i, j) is the largest weight of
 * queries floor(i T / s) .. floor((i + 1) T / s) - 1 and keys alike, [s * s]
 * row by row. */
struct Picture {
  int side = 0;
  std::vector<float> cells;
};

/** One head; `weighted`: weights times the length of the value they fetch. */
Picture head_picture(
    const Reading& reading,
    int layer,
    int head,
    int size,
    bool weighted = false);

/** All heads of a layer, small. */
std::vector<Picture>
layer_pictures(const Reading& reading, int layer, int size);

/** What a head does, as means over the queries but the first. */
struct HeadScore {
  int layer = 0, head = 0, kv_group = 0;
  float entropy = 0;   ///< of a row, nats
  float sink = 0;      ///< weight on position 0
  float previous = 0;  ///< weight on the token before
  float induction = 0; ///< on tokens that follow an earlier copy of this one
                       ///< (Olsson et al., arXiv 2209.11895)
  float distance = 0;  ///< how many positions back
};

/** Of all heads of a layer. Induction: mean over the queries that have an
 * earlier copy; 0 if there is none. */
std::vector<HeadScore> head_scores(const Reading& reading, int layer);

} // namespace llm::inspect
