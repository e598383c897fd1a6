// SPDX-License-Identifier: MIT

#include "llm/kernels/cuda_attention.h"

#include <vector>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/kernels/cuda_attention_source.h"
#include "llm/kernels/cuda_kernel.h"
#include "llm/kernels/cuda_parts.h"

namespace llm::kernels {

namespace {

constexpr int kTile = 64, kThreads = 128; // rows of a tile; four warps

using Sizes = AttentionSizes;

Constants constants(const Sizes& s, const Dropping& d) {
  const int drop = d.drops() ? drop_threshold(d.p) : 0;
  return {{"L", s.L}, {"C", s.C}, {"H", s.heads}, {"drop", drop}};
}

/** Where nothing is dropped any numbers will do. */
mx::array key_of(const Dropping& d) {
  return d.key ? *d.key : mx::zeros({2}, mx::uint32);
}

} // namespace

std::vector<mx::array> attention_forward(
    const mx::array& qkv,
    const Sizes& s,
    const Dropping& dropping) {
  static const CudaKernel run(
      "attention_forward",
      {"qkv", "key"},
      {"y", "lse"},
      cuda_attention_forward,
      cuda_attention_header);
  return run(
      {qkv, key_of(dropping)},
      {qkv.ndim() == 2 ? mx::Shape{s.B * s.L, s.C} : mx::Shape{s.B, s.L, s.C},
       {s.B, s.heads, s.L}},
      {mx::bfloat16, mx::float32},
      {s.L / kTile, s.heads, s.B},
      kThreads,
      constants(s, dropping));
}

mx::array attention_backward(
    const mx::array& qkv,
    const mx::array& lse,
    const mx::array& y,
    const mx::array& dy,
    const Sizes& s,
    const Dropping& dropping) {
  static const CudaKernel sums(
      "attention_delta", {"y", "dy"}, {"delta"}, cuda_attention_delta);
  static const CudaKernel run(
      "attention_backward",
      {"qkv", "key", "lse", "delta", "dy"},
      {"dqkv"},
      cuda_attention_backward,
      cuda_attention_header);
  const mx::array delta = sums(
      {y, dy},
      {{s.B, s.heads, s.L}},
      {mx::float32},
      {s.B * s.L * s.heads * 8 / 256, 1, 1},
      256,
      constants(s, dropping))[0];
  return run(
      {qkv, key_of(dropping), lse, delta, dy},
      {qkv.shape()},
      {mx::bfloat16},
      {2 * (s.L / kTile), s.heads, s.B},
      kThreads,
      constants(s, dropping))[0];
}

bool usable_cuda_attention(const mx::array& qkv, int heads) {
  return qkv.ndim() == 3 && qkv.shape(2) == 3 * 64 * heads &&
      qkv.shape(1) % kTile == 0 && usable_on_cuda({qkv});
}

mx::array
cuda_attention(const mx::array& qkv, int heads, const mx::array& key, float p) {
  const Sizes s{qkv.shape(0), qkv.shape(1), qkv.shape(2) / 3, heads};
  const auto run = [=](const std::vector<mx::array>& in) {
    return attention_forward(in[0], s, {in[1], p});
  };
  const auto gradient = [=](const std::vector<mx::array>& in,
                            const std::vector<mx::array>& cotangents,
                            const std::vector<mx::array>& out) {
    return std::vector<mx::array>{
        attention_backward(in[0], out[1], out[0], cotangents[0], s, {in[1], p}),
        mx::zeros_like(in[1])};
  };
  return mx::custom_vjp(run, gradient)({qkv, key})[0];
}

} // namespace llm::kernels
