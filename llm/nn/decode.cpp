// SPDX-License-Identifier: MIT

#include "llm/nn/decode.h"

#include <cmath>
#include <stdexcept>

#include <mlx/fast.h>

#include "llm/kernels/decode.h"
#include "llm/kernels/kernels.h"
#include "llm/nn/attention.h"

namespace llm::nn {

namespace {

constexpr int kMostRows = 16;

using Arrays = std::vector<mx::array>;

bool is_fast(const Linear& layer) {
  if (layer.lora || (layer.bias && !kernels::usable({*layer.bias}))) {
    return false;
  }
  if (!layer.quantization) {
    return kernels::usable({layer.weight});
  }
  if constexpr (kernels::built) {
    const Quantization& q = *layer.quantization;
    return kernels::can_unpack(q.bits) && kernels::usable({q.scales, q.biases});
  }
  return false;
}

kernels::Matrix matrix_of(const Linear& layer) {
  kernels::Matrix out{.weight = layer.weight, .bias = layer.bias};
  if (const auto& q = layer.quantization) {
    out.scales = q->scales;
    out.biases = q->biases;
    out.bits = q->bits;
  }
  return out;
}

kernels::NormBefore before(const RMSNorm& norm) {
  return {norm.weight, norm.eps};
}

std::optional<kernels::NormBefore> before(const std::optional<RMSNorm>& norm) {
  return norm ? std::optional(before(*norm)) : std::nullopt;
}

kernels::Turning turning_of(const Rope& rope) {
  kernels::Turning out{
      .base = rope.base, .scale = rope.scale, .magnitude = rope.magnitude};
  if (rope.periods) {
    const float* p = rope.periods->data<float>();
    out.periods.assign(p, p + rope.periods->size());
  }
  return out;
}

float scale_of(int D) {
  return 1.0f / std::sqrt(static_cast<float>(D));
}

kernels::Block block_of(const DecodeBlock& b, int D) {
  return {
      .qkv =
          {.norm = before(b.attention_norm),
           .matrices = {matrix_of(b.q), matrix_of(b.k), matrix_of(b.v)}},
      .heads =
          {.queries = b.heads,
           .keys = b.kv_heads,
           .scale = scale_of(D),
           .turning = turning_of(b.rope),
           .q_norm = before(b.q_norm),
           .k_norm = before(b.k_norm)},
      .o = {.matrices = {matrix_of(b.o)}},
      .mlp =
          {.norm = before(b.mlp_norm),
           .matrices = {matrix_of(b.gate), matrix_of(b.up)},
           .swiglu = true},
      .down = {.matrices = {matrix_of(b.down)}}};
}

/** What the plain twin needs to know beside the arrays. */
struct Shape {
  struct Layer {
    int bits;
    bool bias;
  };
  struct Place {
    int position, slot, begin, end;
  };
  Layer q, k, v, o, gate, up, down;
  float attention_eps, mlp_eps;
  std::optional<float> q_eps, k_eps;
  int heads, kv_heads;
  Rope rope;
  std::vector<Place> places;
};

Shape shape_of(const DecodeBlock& b, const std::vector<CachedRow>& rows) {
  const auto layer = [](const Linear& l) {
    return Shape::Layer{
        l.quantization ? l.quantization->bits : 32, l.bias.has_value()};
  };
  const auto eps = [](const std::optional<RMSNorm>& norm) {
    return norm ? std::optional(norm->eps) : std::nullopt;
  };
  Shape s{
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
      b.rope,
      {}};
  for (const CachedRow& row : rows) {
    s.places.push_back({row.position, row.slot, row.begin, row.end});
  }
  return s;
}

/** The block in MLX's operations, from the arrays in kernels::Block's order. */
class Plain {
 public:
  Plain(const Shape& shape, const Arrays& in) : shape_(shape), in_(in) {}

  Arrays run() {
    const mx::array x = next();
    const mx::array n = norm(x, shape_.attention_eps);
    const mx::array q = product(n, shape_.q), k = product(n, shape_.k);
    const mx::array v = product(n, shape_.v);
    Arrays out = attend(q, k, v); // attention's output, queries, stores
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

  mx::array product(const mx::array& x, const Shape::Layer& layer) {
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

  Arrays attend(const mx::array& q, const mx::array& k, const mx::array& v) {
    mx::array heads = split_heads(q, shape_.heads); // [B, H, 1, D]
    mx::array keys = split_heads(k, shape_.kv_heads);
    const mx::array values = split_heads(v, shape_.kv_heads);
    if (shape_.q_eps) {
      heads = norm(heads, *shape_.q_eps);
      keys = norm(keys, *shape_.k_eps);
    }
    Arrays mixed, queries, stores;
    for (int b = 0; b < q.shape(0); ++b) {
      const Shape::Place& at = shape_.places[b];
      const auto row = [b](const mx::array& x) {
        return mx::slice(x, {b, 0, 0, 0}, {b + 1, x.shape(1), 1, x.shape(3)});
      };
      const Positions position{.start = at.position};
      queries.push_back(shape_.rope(row(heads), position));
      Arrays seen;
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
          queries.back(), seen[0], seen[1], scale_of(heads.shape(3)))));
    }
    Arrays out = {mx::concatenate(mixed, 0), mx::concatenate(queries, 0)};
    out.insert(out.end(), stores.begin(), stores.end());
    return out;
  }

  const Shape& shape_;
  const Arrays& in_;
  size_t i_ = 0;
};

} // namespace

bool can_decode(const mx::array& x, const DecodeBlock& b) {
  if (x.ndim() != 3 || x.shape(1) != 1 || x.shape(0) > kMostRows ||
      !kernels::usable({x, b.attention_norm.weight, b.mlp_norm.weight})) {
    return false;
  }
  if (b.q_norm &&
      (b.q_norm->eps != b.k_norm->eps ||
       !kernels::usable({b.q_norm->weight, b.k_norm->weight}))) {
    return false;
  }
  for (const Linear* layer :
       {&b.q, &b.k, &b.v, &b.o, &b.gate, &b.up, &b.down}) {
    if (!is_fast(*layer)) {
      return false;
    }
  }
  return true;
}

Decoded decode_block(
    const mx::array& x,
    const DecodeBlock& block,
    const std::vector<CachedRow>& rows) {
  const auto plain = [shape = shape_of(block, rows)](const Arrays& in) {
    return Plain(shape, in).run();
  };
  if constexpr (kernels::built) {
    std::vector<kernels::CachedText> texts;
    for (const CachedRow& r : rows) {
      texts.push_back({r.keys, r.values, r.position, r.slot, r.begin, r.end});
    }
    const Arrays out = kernels::decode_block(
        x, block_of(block, rows.at(0).keys.shape(3)), texts, plain);
    Decoded result{out[0], out[1], {}};
    for (size_t i = 2; i < out.size(); i += 2) {
      result.stores.emplace_back(out[i], out[i + 1]);
    }
    return result;
  }
  throw std::logic_error("[decode_block] ask can_decode() first.");
}

} // namespace llm::nn
