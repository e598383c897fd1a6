// SPDX-License-Identifier: MIT
//
// From token ids to the arrays that a model reads. Shapes: B windows, T tokens.

#pragma once

#include <cstdint>
#include <vector>

#include <mlx/mlx.h>
#include "llm/data/split.h"

namespace llm {

namespace mx = mlx::core;

/** Inputs and targets; y[b][t] is the token after x[b][t]. */
struct Batch {
  mx::array x; ///< [B, T] int32
  mx::array y; ///< [B, T] int32
};

/** Windows of `block` tokens at `offsets`. Throws InputError if one does not
 * fit: 0 <= offset and offset + block + 1 <= ids.size(). */
Batch make_batch(
    const std::vector<int32_t>& ids,
    const std::vector<int64_t>& offsets,
    int64_t block);

/** The random batch of a training step: make_batch at batch_offsets. */
Batch random_batch(
    const std::vector<int32_t>& ids,
    uint64_t seed,
    uint64_t step,
    int64_t batch,
    int64_t block);

/** A batch of which not every target counts. */
struct MaskedBatch {
  mx::array x;        ///< [B, T] int32
  mx::array y;        ///< [B, T] int32
  mx::array mask;     ///< [B, T] float32, 1 where the target is scored
  int64_t scored = 0; ///< sum of the mask: targets that count
};

/** Groups windows, in order, into batches of at most `batch` windows; a window
 * of another length (the last one) gets a batch of its own, so nothing is
 * padded. */
std::vector<std::vector<EvalWindow>> group_windows(
    const std::vector<EvalWindow>& windows,
    int64_t batch);

/** The arrays of one group. All windows must have the same length. */
MaskedBatch make_eval_batch(
    const std::vector<int32_t>& ids,
    const std::vector<EvalWindow>& group);

} // namespace llm
