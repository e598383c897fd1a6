// SPDX-License-Identifier: MIT

#include "llm/kernels/cuda_gpt_block.h"

#include <memory>
#include <vector>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/kernels/cuda_attention.h"
#include "llm/kernels/cuda_kernel.h"
#include "llm/kernels/cuda_norm.h"
#include "llm/kernels/cuda_parts.h"

namespace llm::kernels {

namespace {

using Arrays = std::vector<mx::array>;

/** What the way back needs of the way there; N = B L rows. */
struct Kept {
  Arrays arrays; // n1, s1, qkv, y, lse, h, n2, s2, f, g
};

/** x [N, K] times w [M, K] transposed. */
mx::array product(const mx::array& x, const mx::array& w) {
  return mx::matmul(x, mx::transpose(w));
}

/** The gradient of w there, [M, K]. */
mx::array of_weight(const mx::array& dy, const mx::array& x) {
  return mx::matmul(mx::transpose(dy), x);
}

class Block {
 public:
  Block(const AttentionSizes& sizes, const GPTBlockOptions& options)
      : s_(sizes), o_(options) {}

  // in: x [N, C], the weights, three keys.
  Arrays forward(const Arrays& in, Kept& kept) const {
    const Arrays n1 = norm_forward(in[0], in[1], {}, o_.eps_1);
    const mx::array qkv = product(n1[0], in[2]); // [N, 3 C]
    const Arrays y = attention_forward(qkv, in[7], s_, o_.p_weights);
    const Arrays n2 = add_norm_forward(
        in[0], product(y[0], in[3]), {in[8], o_.p_attention}, in[4], o_.eps_2);
    const mx::array& h = n2[2];
    const mx::array f = product(n2[0], in[5]); // [N, 4 C]
    const mx::array g = gelu_forward(f);
    const mx::array out = add_drop(h, product(g, in[6]), in[9], o_.p_mlp);
    kept.arrays = {n1[0], n1[1], qkv, y[0], y[1], h, n2[0], n2[1], f, g};
    return {out};
  }

  Arrays backward(const Arrays& in, const mx::array& dout, const Kept& kept)
      const {
    const Arrays& k = kept.arrays;
    const mx::array dm = drop(dout, in[9], o_.p_mlp);
    const mx::array df = gelu_backward(k[8], mx::matmul(dm, in[6]));
    const Arrays dh = norm_backward(
        k[5],
        in[4],
        k[7],
        mx::matmul(df, in[5]),
        false,
        dout,
        {in[8], o_.p_attention});
    const mx::array& da = dh[2];
    const mx::array dqkv = attention_backward(
        k[2], in[7], k[4], k[3], mx::matmul(da, in[3]), s_, o_.p_weights);
    const Arrays dx = norm_backward(
        in[0], in[1], k[1], mx::matmul(dqkv, in[2]), false, dh[0]);
    return {
        dx[0],
        dx[1],
        of_weight(dqkv, k[0]),
        of_weight(da, k[3]),
        dh[1],
        of_weight(df, k[6]),
        of_weight(dm, k[9]),
        mx::zeros_like(in[7]),
        mx::zeros_like(in[8]),
        mx::zeros_like(in[9])};
  }

 private:
  AttentionSizes s_;
  GPTBlockOptions o_;
};

} // namespace

bool usable_cuda_gpt_block(
    const mx::array& x,
    const GPTBlockWeights& w,
    const GPTBlockOptions& o) {
  if (x.ndim() != 3 || !usable_on_cuda({x})) {
    return false;
  }
  const int C = x.shape(2), L = x.shape(1);
  return C == 64 * o.heads && L % 64 == 0 && x.size() < (1u << 29) &&
      w.up.shape() == mx::Shape{4 * C, C} &&
      usable_cuda_norm(x, w.ln_1, std::nullopt) &&
      usable_on_cuda({w.attention, w.attention_out, w.ln_2, w.up, w.down});
}

mx::array cuda_gpt_block(
    const mx::array& x,
    const GPTBlockWeights& w,
    const GPTBlockOptions& given) {
  const int B = x.shape(0), L = x.shape(1), C = x.shape(2);
  GPTBlockOptions o = given;
  const mx::array none = mx::zeros({2}, mx::uint32);
  for (auto [key, p] :
       {std::pair{&o.key_weights, &o.p_weights},
        {&o.key_attention, &o.p_attention},
        {&o.key_mlp, &o.p_mlp}}) {
    *p = *key ? *p : 0.0f;
  }
  const Block block({B, L, C, o.heads}, o);
  const auto kept = std::make_shared<Kept>();
  // What is kept are nodes of the same graph: no outputs, which MLX would wrap.
  const auto run = [block, kept](const Arrays& in) {
    return block.forward(in, *kept);
  };
  const auto gradient =
      [block, kept](const Arrays& in, const Arrays& cotangents, const Arrays&) {
        return block.backward(in, cotangents[0], *kept);
      };
  const mx::array out = mx::custom_vjp(run, gradient)(
      {mx::reshape(x, {B * L, C}),
       w.ln_1,
       w.attention,
       w.attention_out,
       w.ln_2,
       w.up,
       w.down,
       o.key_weights.value_or(none),
       o.key_attention.value_or(none),
       o.key_mlp.value_or(none)})[0];
  return mx::reshape(out, {B, L, C});
}

} // namespace llm::kernels
