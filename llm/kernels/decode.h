// SPDX-License-Identifier: MIT
//
// A decoder block for one new token of each text in one operation: with one row
// everything but reading the weights is overhead. It runs five steps that the
// other kernels' parts make up, so a row's bits depend neither on the number of
// texts nor on the threads. See llm/nn/decode.h for the face.

#pragma once

#include <memory>
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

/** norm(x) times each matrix, side by side: [M, K] -> [M, N1 + N2 + ...]; or
 * silu(gate) * up -> [M, N]. */
struct Projection {
  std::optional<NormBefore> norm;
  std::vector<Matrix> matrices;
  bool swiglu = false; ///< of two matrices, gate and up
};

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

/** h = x + o(attention(qkv(x))),  y = h + down(mlp(h)). */
struct Block {
  Projection qkv;
  Heads heads;
  Projection o;
  Projection mlp; ///< norm, gate and up
  Projection down;
};

/** A block made ready: weights evaluated and without gaps, steps planned. It
 * keeps the weights as they are. */
struct PreparedBlock;
std::shared_ptr<const PreparedBlock> prepare(const Block& block);

/** x [B, 1, C], one text for each row, at most 16 -> y [B, 1, C], the queries
 * as they were used [B, H, 1, D], and keys and values of each text with the new
 * ones (in the same memory, if nobody else holds it). The weights are no inputs
 * of the operation (a graph for each token has to be small), so the gradient is
 * with respect to x, keys and values. `plain` takes x, then in the order of
 * Block: norms, and of each matrix weight, scales, biases, bias; after qkv
 * q_norm, k_norm, keys and values of each text. What is absent is left out. */
std::vector<mx::array> decode_block(
    const mx::array& x,
    const std::shared_ptr<const PreparedBlock>& block,
    const std::vector<CachedText>& texts,
    Function plain);

} // namespace llm::kernels
