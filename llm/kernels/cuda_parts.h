// SPDX-License-Identifier: MIT
//
// The kernels for NVIDIA GPUs without gradients of their own, for who writes
// both directions down (cuda_gpt_block.cpp). bfloat16 but where it is said.

#pragma once

#include <optional>
#include <vector>

#include <mlx/array.h>

namespace llm::kernels {

namespace mx = mlx::core;

struct AttentionSizes {
  int B, L, C, heads;
};

/** qkv [B L, 3 C] -> y [B L, C], float32 log2 of the sums [B, H, L]. */
std::vector<mx::array> attention_forward(
    const mx::array& qkv,
    const mx::array& key,
    const AttentionSizes& s,
    float p);

/** The gradient of qkv, [B L, 3 C]. */
mx::array attention_backward(
    const mx::array& qkv,
    const mx::array& key,
    const mx::array& lse,
    const mx::array& y,
    const mx::array& dy,
    const AttentionSizes& s,
    float p);

/** Dropout with probability p; without a key there is none. */
struct Dropping {
  std::optional<mx::array> key;
  float p = 0;
};

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

/** -> dx (plus `more`, if given), dweight [C], dbias [C] if there is one, and
 * what dropout leaves of dx if `then` has a key. */
std::vector<mx::array> norm_backward(
    const mx::array& x,
    const mx::array& weight,
    const mx::array& stats,
    const mx::array& dy,
    bool has_bias,
    const std::optional<mx::array>& more = std::nullopt,
    const Dropping& then = {});

mx::array gelu_forward(const mx::array& x);
mx::array gelu_backward(const mx::array& x, const mx::array& dy);

/** x with each value zeroed with probability p (which may be 0), the others
 * scaled; x + what that leaves of y. */
mx::array drop(const mx::array& x, const mx::array& key, float p);
mx::array
add_drop(const mx::array& x, const mx::array& y, const mx::array& key, float p);

} // namespace llm::kernels
