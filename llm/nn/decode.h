// SPDX-License-Identifier: MIT
//
// A decoder block for one new token of each text in one operation instead of
// some twenty-five. On a CPU a token costs little more than reading the weights
// once; what lies between the operations then shows. The numbers are those of
// the layers one by one (to rounding), which run wherever can_decode() is
// false.

#pragma once

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "llm/nn/linear.h"
#include "llm/nn/norm.h"
#include "llm/nn/rope.h"

namespace llm::nn {

/** The layers of a block: h = x + o(attention(q, k, v of norm(x))), then
 * y = h + down(silu(gate(n)) * up(n)) with n = norm(h). */
struct DecodeBlock {
  const RMSNorm& attention_norm;
  const Linear &q, &k, &v, &o;
  int heads, kv_heads;
  const Rope& rope;
  const std::optional<RMSNorm>&q_norm, &k_norm; // over D
  int window; // a query sees this many positions; 0: all
  const RMSNorm& mlp_norm;
  const Linear &gate, &up, &down;
};

/** True for x [B, 1, C] with B at most 16 on a CPU in float32, if the layers
 * are float32 or packed in 4 or 8 bits and have no adapters, and their weights
 * are not what is differentiated. */
bool can_decode(const mx::array& x, const DecodeBlock& block);

/** One text's keys and values [1, H_kv, n, D] with room for a new one at
 * `slot`; the query sees slots [begin, end). */
struct CachedRow {
  mx::array keys, values;
  int position; ///< of the new token
  int slot, begin, end;
};

struct Decoded {
  mx::array y;       // [B, 1, C]
  mx::array queries; // [B, H, 1, D], normalized and turned
  std::vector<std::pair<mx::array, mx::array>> stores; // keys, values
};

/** What is worked out once for a block's weights; made again when they have
 * changed. Empty at first. */
class PreparedDecode {
 public:
  struct Content;

  /** For this block, as it is now. */
  std::shared_ptr<const Content> of(const DecodeBlock& block);

 private:
  std::shared_ptr<const Content> content_;
};

/** x [B, 1, C], a row of the cache for each. Only if can_decode(). Gradients
 * are with respect to x, keys and values. */
Decoded decode_block(
    const mx::array& x,
    const DecodeBlock& block,
    const std::vector<CachedRow>& rows,
    PreparedDecode& prepared);

} // namespace llm::nn
