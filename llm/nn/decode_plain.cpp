// SPDX-License-Identifier: MIT

#include "llm/nn/decode_plain.h"

#include <cmath>

#include <mlx/fast.h>
#include <mlx/ops.h>

#include "llm/nn/attention.h"

namespace llm::nn {

DecodeShape decode_shape(const DecodeBlock& b) {
  const auto layer = [](const Linear& l) {
    return DecodeShape::Layer{
        l.quantization ? l.quantization->bits : 32, l.bias.has_value()};
  };
  const auto eps = [](const std::optional<RMSNorm>& norm) {
    return norm ? std::optional(norm->eps) : std::nullopt;
  };
  return {
      layer(b.q),
      layer(b.k),
      layer(b.v),
      layer(b.o),
      layer(b.gate),
      layer(b.up),
      layer(b.down),
      b.attention_norm.eps,
      b.mlp_norm.eps,
      eps(b.q_norm),
      eps(b.k_norm),
      b.heads,
      b.kv_heads,
      b.rope};
}

float decode_scale(int D) {
  return 1.0f / std::sqrt(static_cast<float>(D));
}

namespace {

/** The block in MLX's operations, from the arrays in kernels::Block's order. */
class Plain {
 public:
  Plain(
      const DecodeShape& shape,
      const std::vector<DecodePlace>& places,
      const DecodeArrays& in)
      : shape_(shape), places_(places), in_(in) {}

  DecodeArrays run() {
    const mx::array x = next();
    const mx::array n = norm(x, shape_.attention_eps);
    const mx::array q = product(n, shape_.q), k = product(n, shape_.k);
    const mx::array v = product(n, shape_.v);
    DecodeArrays out = attend(q, k, v); // attention's output, queries, stores
    const mx::array h = mx::add(x, product(out[0], shape_.o));
    const mx::array m = norm(h, shape_.mlp_eps);
    const mx::array gate = product(m, shape_.gate);
    const mx::array up = product(m, shape_.up);
    const mx::array inner =
        mx::multiply(mx::multiply(gate, mx::sigmoid(gate)), up);
    out[0] = mx::add(h, product(inner, shape_.down));
    return out;
  }

 private:
  const mx::array& next() {
    return in_.at(i_++);
  }

  mx::array norm(const mx::array& x, float eps) {
    return mx::fast::rms_norm(x, next(), eps);
  }

  mx::array product(const mx::array& x, const DecodeShape::Layer& layer) {
    const mx::array w = next();
    mx::array y = x;
    if (layer.bits == 32) {
      y = mx::matmul(x, mx::transpose(w));
    } else {
      const mx::array scales = next(), biases = next();
      const int group = x.shape(-1) / scales.shape(-1);
      y = mx::quantized_matmul(x, w, scales, biases, true, group, layer.bits);
    }
    return layer.bias ? mx::add(y, next()) : y;
  }

  DecodeArrays
  attend(const mx::array& q, const mx::array& k, const mx::array& v) {
    mx::array heads = split_heads(q, shape_.heads); // [B, H, 1, D]
    mx::array keys = split_heads(k, shape_.kv_heads);
    const mx::array values = split_heads(v, shape_.kv_heads);
    if (shape_.q_eps) {
      heads = norm(heads, *shape_.q_eps);
      keys = norm(keys, *shape_.k_eps);
    }
    DecodeArrays mixed, queries, stores;
    for (int b = 0; b < q.shape(0); ++b) {
      const DecodePlace& at = places_[b];
      const auto row = [b](const mx::array& x) {
        return mx::slice(x, {b, 0, 0, 0}, {b + 1, x.shape(1), 1, x.shape(3)});
      };
      const Positions position{.start = at.position};
      queries.push_back(shape_.rope(row(heads), position));
      DecodeArrays seen;
      for (const mx::array& x :
           {shape_.rope(row(keys), position), row(values)}) {
        mx::Shape from(4, 0), to = x.shape();
        from[2] = at.slot;
        to[2] = at.slot + 1;
        stores.push_back(mx::slice_update(next(), x, from, to));
        from[2] = at.begin;
        to[2] = at.end;
        seen.push_back(mx::slice(stores.back(), from, to));
      }
      mixed.push_back(merge_heads(mx::fast::scaled_dot_product_attention(
          queries.back(), seen[0], seen[1], decode_scale(heads.shape(3)))));
    }
    DecodeArrays out = {mx::concatenate(mixed, 0), mx::concatenate(queries, 0)};
    out.insert(out.end(), stores.begin(), stores.end());
    return out;
  }

  const DecodeShape& shape_;
  const std::vector<DecodePlace>& places_;
  const DecodeArrays& in_;
  size_t i_ = 0;
};

} // namespace

DecodeArrays decode_plain(
    const DecodeShape& shape,
    const std::vector<DecodePlace>& places,
    const DecodeArrays& in) {
  return Plain(shape, places, in).run();
}

} // namespace llm::nn
