// SPDX-License-Identifier: MIT
//
// The kernels for NVIDIA GPUs without gradients of their own, for who writes
// both directions down (cuda_gpt.cpp). bfloat16 but where it is said.

#pragma once

#include <optional>
#include <vector>

#include <mlx/array.h>

namespace llm::kernels {

namespace mx = mlx::core;

struct AttentionSizes {
  int B, L, C, heads;
};

/** Dropout with probability p; without a key there is none. */
struct Dropping {
  std::optional<mx::array> key; ///< uint32 [2]
  float p = 0;

  bool drops() const {
    return key.has_value() && p > 0;
  }
};

/** qkv [B L, 3 C] -> y [B L, C], float32 log2 of the sums [B, H, L]. */
std::vector<mx::array> attention_forward(
    const mx::array& qkv,
    const AttentionSizes& s,
    const Dropping& dropping);

/** The gradient of qkv, [B L, 3 C]. */
mx::array attention_backward(
    const mx::array& qkv,
    const mx::array& lse,
    const mx::array& y,
    const mx::array& dy,
    const AttentionSizes& s,
    const Dropping& dropping);

/** x [..., C] -> y, float32 mean and 1 / deviation of each row [N, 2]. */
std::vector<mx::array> norm_forward(
    const mx::array& x,
    const mx::array& weight,
    const std::optional<mx::array>& bias,
    float eps);

/** The norm of h = x + what dropout leaves of y -> y', mean and deviation as
 * above, h. */
std::vector<mx::array> add_norm_forward(
    const mx::array& x,
    const mx::array& y,
    const Dropping& dropping,
    const mx::array& weight,
    float eps);

struct NormGradients {
  mx::array dx;         ///< plus `more`, if given
  mx::array parts;      ///< float32 [any, C]; column_sums() is dweight
  mx::array bias_parts; ///< of dbias, where there is one
  mx::array dropped;    ///< what `before` leaves of dx
};

NormGradients norm_backward(
    const mx::array& x,
    const mx::array& weight,
    const mx::array& stats,
    const mx::array& dy,
    bool has_bias,
    const std::optional<mx::array>& more = std::nullopt,
    const Dropping& before = {});

/** Of several float32 [rows, C] the sums of the columns, [C] each. */
std::vector<mx::array> column_sums(const std::vector<mx::array>& parts);

mx::array gelu_forward(const mx::array& x);
mx::array gelu_backward(const mx::array& x, const mx::array& dy);

/** x with each value zeroed with probability p (which may be 0), the others
 * scaled. */
mx::array drop(const mx::array& x, const mx::array& key, float p);

/** What dropout leaves of wte [V, C] at ids [N] plus wpe [.., C] at 0 to L - 1,
 * again and again -> [N, C]. */
mx::array embed(
    const mx::array& ids,
    const mx::array& wte,
    const mx::array& wpe,
    const Dropping& dropping,
    int L);

/** The gradient of a table [V, C] whose rows at ids [N] were taken, from that
 * of the rows, [N, C]. In a small table a product with ones where the ids are:
 * the same bits each time. */
mx::array rows_gradient(const mx::array& ids, const mx::array& dy, int V);

} // namespace llm::kernels
