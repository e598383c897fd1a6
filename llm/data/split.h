// SPDX-License-Identifier: MIT
//
// Which tokens are for training, which for validation, and which window sees
// which token. No MLX here: batches.h turns these offsets into arrays.
// A window of T tokens at `start` has the inputs ids[start .. start+T) and the
// targets ids[start+1 .. start+T+1): target j is predicted from j+1 tokens.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace llm {

/** Texts before encoding. */
struct TextSplit {
  std::string train;
  std::string val;
};

/** Token ids after encoding. */
struct Split {
  std::vector<int32_t> train;
  std::vector<int32_t> val;
};

/** Cuts after the first floor(fraction * n) of the n characters (code points),
 * as nanoGPT does. `text` must be valid UTF-8. 0 < fraction < 1, else
 * UsageError. */
TextSplit split_text(std::string_view text, double train_fraction = 0.9);

/** Throws InputError with both numbers if a part has fewer than block + 1
 * tokens, the least that fill one window with targets. */
void check_split(const Split& split, int64_t block);

/** Start of each of `batch` random windows of `block` tokens in a text of `n`
 * tokens, uniform in [0, n - block). Depends on the arguments alone: the data
 * position of step s needs no saved state, so a resumed run is exact. */
std::vector<int64_t> batch_offsets(
    uint64_t seed,
    uint64_t step,
    int64_t batch,
    int64_t block,
    int64_t n);

/** One window of an evaluation. */
struct EvalWindow {
  int64_t start = 0;  ///< first input token
  int64_t length = 0; ///< inputs = targets in this window, at most the context
  int64_t first_scored = 0; ///< targets before this one are context only
};

/** Windows that do not overlap: inputs [0,T) [T,2T) ...; the last may be
 * shorter. Every token but the first of the text is predicted exactly once,
 * from 1 to T tokens of its own window. */
std::vector<EvalWindow> fixed_windows(int64_t n, int64_t context);

/** Windows that move by T/2 and score their last T/2 targets (the first window
 * scores all): the same tokens, each once, from more than T/2 tokens of
 * context, except in the first window. */
std::vector<EvalWindow> sliding_windows(int64_t n, int64_t context);

} // namespace llm
