// SPDX-License-Identifier: MIT
//
// What a decoder block does for one new token of each text, in few operations:
// with one row everything but reading the weights is overhead. Built from the
// parts that the other kernels use, so that a row's bits depend neither on the
// number of texts nor on the threads. See llm/nn/decode.h for the faces.

#pragma once

#include <optional>
#include <vector>

#include "llm/kernels/node.h"

namespace llm::kernels {

/** A layer's matrix [N, K] as it lies: float32, or packed in 4 or 8 bits. */
struct Matrix {
  mx::array weight;
  std::optional<mx::array> scales, biases; // packed: see nn/quantization.h
  std::optional<mx::array> bias;           // [N], added to the product
  int bits = 32;
};

/** RMSNorm before a product. */
struct NormBefore {
  mx::array weight; // [K]
  float eps;
};

/** The inputs that `plain` takes come in the order x, norm, residual, then of
 * each matrix weight, scales, biases, bias; what is absent is left out. */
struct Projection {
  std::optional<NormBefore> norm;
  std::optional<mx::array> residual; // [..., N], added
  std::vector<Matrix> matrices;
  bool swiglu = false; ///< of two matrices, gate and up
};

/** norm(x) times each matrix, side by side: x [..., K] with at most 16 rows ->
 * [..., N1 + N2 + ...]; or silu(gate) * up -> [..., N]. */
mx::array
project(const mx::array& x, const Projection& projection, Function plain);

/** How the pairs of q and k turn; see nn/rope.h. */
struct Turning {
  float base = 10000;
  float scale = 1;
  std::vector<float> periods = {}; ///< [D / 2], in place of base^(2i / D)
  float magnitude = 1;
};

struct Heads {
  int queries, keys; ///< how many
  float scale;       ///< of the scores
  Turning turning;
  std::optional<NormBefore> q_norm = {}, k_norm = {}; // over D
};

/** One text's cache. Its new key and value go to `slot` of [1, K, n, D]; the
 * query sees slots [begin, end). */
struct CachedText {
  mx::array keys, values;
  int position; ///< of the new token in its text
  int slot, begin, end;
};

/** qkv [B, 1, (H + 2 K) D]; one text for each row -> the attention's output
 * [B, 1, H D], the queries as they were used [B, H, 1, D], and keys and values
 * of each text with the new ones (in the same memory, if nobody else holds it).
 * `plain` takes qkv, q_norm, k_norm, then keys, values of each text. */
std::vector<mx::array> attend_cached(
    const mx::array& qkv,
    const std::vector<CachedText>& texts,
    const Heads& heads,
    Function plain);

} // namespace llm::kernels
