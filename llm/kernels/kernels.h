// SPDX-License-Identifier: MIT
//
// Fused operations for MLX's CPU backend, which has neither SIMD nor threads
// on Linux. Each is one node of MLX's graph, has a gradient, and equals the
// plain operations that `plain` writes out; callers choose when they build the
// graph:  if (kernels::usable({x})) return kernels::gelu(x, plain);
// On a GPU stream, with another type than float32, or with LLM_FAST_CPU=0 in
// the environment, usable() is false and MLX's own operations run.
// Written with Google Highway: the best instructions are chosen at run time.

#pragma once

#include <initializer_list>
#include <optional>

#include "llm/kernels/node.h"

namespace llm::kernels {

#ifdef LLM_KERNELS // set by CMake where they are built: on Linux
inline constexpr bool built = true;
#else
inline constexpr bool built = false;
#endif

/** False as soon as LLM_FAST_CPU=0 or set_fast_cpu(false). */
bool fast_cpu();
void set_fast_cpu(bool on);

/** True if the default device is the CPU, fast_cpu() holds and all arrays are
 * float32 and not empty. */
bool ready(std::initializer_list<mx::array> arrays);
inline bool usable(std::initializer_list<mx::array> arrays) {
  if constexpr (built) {
    return ready(arrays);
  }
  return false;
}

/** True: matmul rounds what it multiplies to bfloat16 (sums stay float32), on
 * a processor that has an instruction for it. For mixed-precision training. */
bool has_bf16_dot();
/** True if that is faster than float32: Intel's cores multiply as many numbers
 * a cycle in both (EXPERIMENTS.md). */
bool bf16_dot_pays();
bool bf16_products();
void set_bf16_products(bool on);

/** "AVX3", "AVX2", ...: what the kernels use here; see simd_limit.h. */
const char* simd_target();

/** a [M, K] times b [K, N], either of them perhaps a transposed view, which
 * costs nothing: -> [M, N]. `plain` takes {a, b}. */
mx::array matmul(const mx::array& a, const mx::array& b, const Function& plain);

/** x [M, K] times w [N, K] transposed: -> [M, N]. The gradient of w lies in
 * rows. `plain` takes {x, w}. */
mx::array matmul_transposed(
    const mx::array& x,
    const mx::array& w,
    const Function& plain);

/** x [M, K] times w [N, K] transposed, for a few rows: -> [M, N]. Row m does
 * not depend on the other rows, to the bit. `plain` takes {x, w}. */
mx::array matvec(const mx::array& x, const mx::array& w, const Function& plain);

/** Products with packed matrices scale what they multiply to so many bits (see
 * byte_rows.h): 24, which is as good as float32, 16 or 8, which are faster and
 * less exact; 32 is float32. At first LLM_ACTIVATION_BITS of the environment or
 * 24; always 32 on a processor without the instruction for it (VNNI). */
int activation_bits();
/** Throws UsageError for another number. */
void set_activation_bits(int bits);

/** A quantized matrix [N, K], see nn/quantization.h. */
struct PackedArrays {
  mx::array packed; // [N, K * bits / 32] uint32
  mx::array scales; // [N, K / group], float32 or float16
  mx::array biases; // [N, K / group], of the same type
  int bits;
};

/** True for the bits that the functions below know: 4 and 8. */
bool can_unpack(int bits);

/** usable() for scales and biases: they may also be float16, both. */
bool ready_groups(const mx::array& scales, const mx::array& biases);
inline bool usable_groups(const mx::array& scales, const mx::array& biases) {
  if constexpr (built) {
    return ready_groups(scales, biases);
  }
  return false;
}

/** True if it is worth keeping scales and biases as float16. */
inline bool reads_halves() {
  if constexpr (built) {
    return fast_cpu() && activation_bits() < 32;
  }
  return false;
}

/** How many rows x a product with few rows may have; more of them only times a
 * packed matrix, if activation_bits() < 32. */
inline constexpr int kFewRows = 16;

/** As matvec. `plain` takes {x, packed, scales, biases}. */
mx::array
packed_matvec(const mx::array& x, const PackedArrays& w, const Function& plain);

/** The values, [N, K]. `plain` takes {packed, scales, biases}. */
mx::array unpack(const PackedArrays& w, const Function& plain);

enum class Unary { gelu, gelu_new, silu };

/** Elementwise; formulas in nn/activation.h. x [...] -> [...]. */
mx::array activation(Unary which, const mx::array& x, const Function& plain);

/** silu(gate) * up, both of one shape. */
mx::array
swiglu(const mx::array& gate, const mx::array& up, const Function& plain);

/** x [..., D], weight [D]; see nn/norm.h. `plain` takes {x, weight}. */
mx::array rms_norm(
    const mx::array& x,
    const mx::array& weight,
    float eps,
    const Function& plain);

/** `plain` takes {x, weight} or {x, weight, bias}. */
mx::array layer_norm(
    const mx::array& x,
    const mx::array& weight,
    const std::optional<mx::array>& bias,
    float eps,
    const Function& plain);

/** {x + r, its norm}: what a block adds to the residual stream and what the
 * next part reads of it. LayerNorm if `centered`, else RMSNorm; `plain` is the
 * norm alone, of {x, weight} or {x, weight, bias}. */
std::vector<mx::array> add_norm(
    const mx::array& x,
    const mx::array& r,
    const mx::array& weight,
    const std::optional<mx::array>& bias,
    float eps,
    bool centered,
    const Function& plain);

/** Rotary positions on x [B, H, L, D], D even; pairs are (i, i + D / 2); the
 * first row of L is at position `start`. */
mx::array
rope(const mx::array& x, float base, int start, const Function& plain);

/** Causal attention, shapes as nn::causal_attention; scores are multiplied by
 * `scale`. `plain` takes {q, k, v}. */
mx::array attention(
    const mx::array& q,
    const mx::array& k,
    const mx::array& v,
    float scale,
    const Function& plain);

/** The same from qkv [B, L, 3 C], queries, keys and values of C / heads each:
 * -> [B, L, C]. `plain` takes {qkv}. */
mx::array packed_attention(
    const mx::array& qkv,
    int heads,
    float scale,
    const Function& plain);

/** Rows `ids` [...] (int32) of `table` [V, C]: -> [..., C]. `plain` takes
 * {table, ids}. */
mx::array
table_rows(const mx::array& table, const mx::array& ids, const Function& plain);

/** -log softmax(logits)[target]: logits [..., V], targets [...] int32. */
mx::array token_losses(
    const mx::array& logits,
    const mx::array& targets,
    const Function& plain);

/** logits [..., V] -> {log-sum-exp [...], entropy of softmax(logits) [...]};
 * -inf counts as probability 0. */
std::vector<mx::array> spread(const mx::array& logits, const Function& plain);

/** A draw from softmax(logits), [V] with V < 2^24, by the numbers that
 * mx::random::categorical draws from `key` (uint32 [2]): its index, a float32
 * scalar. `plain` takes {logits, key}. */
mx::array categorical(
    const mx::array& logits,
    const mx::array& key,
    const Function& plain);

/** x with each value zeroed with probability p and the others times 1 / (1 -
 * p), by the numbers that mx::random::bernoulli draws from `key` (uint32 [2]).
 * Fewer than 2^32 values. `plain` takes {x, key}. */
mx::array dropout(
    const mx::array& x,
    const mx::array& key,
    float p,
    const Function& plain);

struct AdamWSettings {
  float beta1, beta2, eps;
  std::vector<float> weight_decays; ///< of each array
};

/** One update of n arrays: inputs p..., g..., m..., v..., scalars (4 n + 1
 * arrays), out p..., m..., v... . `scalars` [4] holds the learning rate,
 * 1 - beta1^t, 1 - beta2^t and what g is multiplied by. `plain` takes the
 * same. */
std::vector<mx::array> adamw(
    const std::vector<mx::array>& inputs,
    const AdamWSettings& settings,
    const Function& plain);

/** The length of all arrays as one vector: a scalar. */
mx::array global_norm(
    const std::vector<mx::array>& arrays,
    const Function& plain);

struct MuonSettings {
  float momentum, weight_decay;
  float rms;     ///< of the update's entries, times the learning rate
  float a, b, c; ///< of a Newton-Schulz step
  int steps;
};

/** One update of n matrices: inputs p..., g..., m..., lr (3 n + 1 arrays), out
 * p..., m... . `plain` takes the same. */
std::vector<mx::array> muon(
    const std::vector<mx::array>& inputs,
    const MuonSettings& settings,
    const Function& plain);

} // namespace llm::kernels
