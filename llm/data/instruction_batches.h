// SPDX-License-Identifier: MIT
//
// Batches of examples. A row of a batch is one example, or with packing as many
// as fit in max_length tokens, one after the other. Rows end with padding up to
// a multiple of 32 plus one, as in mlx-lm: few different shapes, so that few
// graphs are compiled. Each epoch shuffles the rows, puts rows of like length
// into one batch and shuffles the batches.
// Simplification: examples in a packed row see the ones before them (attention
// is not cut between them, and positions count on); mlx-lm does not pack.

#pragma once

#include <cstdint>
#include <vector>

#include "llm/data/batches.h"
#include "llm/data/encoded.h"

namespace llm {

struct BatchRules {
  int batch = 4;        ///< rows in a batch
  int max_length = 256; ///< tokens of a row, at most
  bool packing = false;
  bool shuffle = true; ///< false: rows in the order of the data
  /// Count the first padding token after an example, as mlx-lm's default_loss
  /// does (its mask goes one token too far): only to compare with it.
  bool count_padding = false;
  uint64_t seed = 0;
};

/** Examples as one array; the shorter ones are padded at the end. */
MaskedBatch pad_batch(
    const std::vector<const Encoded*>& rows,
    int max_length,
    bool count_padding = false);

/** The targets of a batch that count, so that a model need not predict the
 * others. Padded with targets of weight 0 to a multiple of 64: few different
 * shapes again. */
struct CountedTargets {
  mx::array places;  ///< [N] int32, in the B T places row by row
  mx::array targets; ///< [N] int32
  mx::array weights; ///< [N] float32: 1, of padding 0
};
CountedTargets counted_targets(const MaskedBatch& batch);

/** The batches of a run, each of which follows from its number. */
class InstructionBatches {
 public:
  /** InputError when there are fewer rows than a batch has. */
  InstructionBatches(std::vector<Encoded> examples, const BatchRules& rules);

  /** Batches of an epoch; rows that fill no batch wait for another epoch. */
  int64_t per_epoch() const;
  /** Rows: fewer than examples when packed. */
  int64_t rows() const {
    return static_cast<int64_t>(rows_.size());
  }
  /** Batch 0, 1, 2, ... */
  MaskedBatch at(int64_t n) const;

 private:
  std::vector<Encoded> rows_;
  BatchRules rules_;
};

/** Row numbers of each batch of an epoch, for rows of these lengths. */
std::vector<std::vector<size_t>> epoch_order(
    const std::vector<int64_t>& lengths,
    const BatchRules& rules,
    int64_t epoch);

/** Examples joined to rows of at most `max_length` tokens: each goes into the
 * first row with room, the longest example first. */
std::vector<Encoded> pack_examples(
    const std::vector<Encoded>& examples,
    int max_length);

} // namespace llm
