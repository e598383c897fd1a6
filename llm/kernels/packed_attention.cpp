// SPDX-License-Identifier: MIT
//
// Attention of queries, keys and values that one product made, side by side in
// one array: read where they lie, and their gradients written side by side, so
// nothing is split, turned or joined.

#include "llm/kernels/attention_heads.h"
#include "llm/kernels/kernels.h"

namespace llm::kernels {

namespace {

/** Queries, keys and values [B, H, L, D] in x [B, L, 3 H D], or in one third of
 * it. */
Tensors packed_heads(const Tensor& x, int heads, int parts) {
  const int B = x.dim(0), L = x.dim(1), D = x.dim(2) / (parts * heads);
  Tensors out;
  for (int i = 0; i < parts; ++i) {
    out.push_back(
        {x.data + int64_t{i} * heads * D,
         {B, heads, L, D},
         {x.stride(0), D, x.stride(1), 1}});
  }
  return out;
}

// in: qkv, log-sum-exp, gradient of the result; out: of qkv.
Kernel gradient_kernel(int heads, float scale, const Function& plain) {
  const Function plain_vjp = [plain](const auto& in) {
    return plain_gradient(plain, 1)({in[0], in[2]});
  };
  return {
      .name = "packed_attention_gradient",
      .settings = {double(heads), scale},
      .run =
          [=](const Tensors& in, const Tensors& out) {
            Tensors all = packed_heads(in[0], heads, 3);
            all.push_back(in[1]);
            all.push_back(packed_heads(in[2], heads, 1)[0]);
            attend_by_heads_gradient(
                scale, all, packed_heads(out[0], heads, 3));
          },
      .plain = plain_vjp,
      .accepts = Accepts::row_gaps};
}

} // namespace

mx::array packed_attention(
    const mx::array& qkv,
    int heads,
    float scale,
    const Function& plain) {
  Kernel kernel{
      .name = "packed_attention",
      .settings = {double(heads), scale},
      .run =
          [=](const Tensors& in, const Tensors& out) {
            const Tensor o = packed_heads(out[0], heads, 1)[0];
            attend_by_heads(scale, packed_heads(in[0], heads, 3), {o, out[1]});
          },
      .plain = plain,
      .vjp =
          [=](const auto& in, const auto& cotangents, const auto& out) {
            return make_node(
                gradient_kernel(heads, scale, plain),
                {in[0], out[1], cotangents[0]},
                {{.shape = in[0].shape()}});
          },
      .accepts = Accepts::row_gaps};
  const int B = qkv.shape(0), L = qkv.shape(1), C = qkv.shape(2) / 3;
  return make_node(
      std::move(kernel),
      {qkv},
      {{.shape = {B, L, C}}, {.shape = {B, heads, L}}})[0];
}

} // namespace llm::kernels
