// SPDX-License-Identifier: MIT

#include "llm/nn/decode.h"

#include <cmath>
#include <cstdint>
#include <stdexcept>

#include <mlx/fast.h>

#include "llm/kernels/decode.h"
#include "llm/kernels/kernels.h"
#include "llm/nn/attention.h"

namespace llm::nn {

namespace {

constexpr int kMostRows = 16;

using Arrays = std::vector<mx::array>;

bool is_fast(const mx::array& weight) {
  return kernels::usable({weight}) && !weight.is_tracer();
}

bool is_fast(const Linear& layer) {
  if (layer.lora || (layer.bias && !is_fast(*layer.bias))) {
    return false;
  }
  if (!layer.quantization) {
    return is_fast(layer.weight);
  }
  if constexpr (kernels::built) {
    const Quantization& q = *layer.quantization;
    return kernels::can_unpack(q.bits) &&
        kernels::usable_groups(q.scales, q.biases) && !q.scales.is_tracer();
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

[[maybe_unused]] kernels::Block block_of(const DecodeBlock& b) {
  return {
      .qkv =
          {.norm = before(b.attention_norm),
           .matrices = {matrix_of(b.q), matrix_of(b.k), matrix_of(b.v)}},
      .heads =
          {.queries = b.heads,
           .keys = b.kv_heads,
           .scale = scale_of(b.k.out() / b.kv_heads),
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
  Layer q, k, v, o, gate, up, down;
  float attention_eps, mlp_eps;
  std::optional<float> q_eps, k_eps;
  int heads, kv_heads;
  Rope rope;
};

struct Place {
  int position, slot, begin, end;
};

[[maybe_unused]] Shape shape_of(const DecodeBlock& b) {
  const auto layer = [](const Linear& l) {
    return Shape::Layer{
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

/** The block in MLX's operations, from the arrays in kernels::Block's order. */
class Plain {
 public:
  Plain(const Shape& shape, const std::vector<Place>& places, const Arrays& in)
      : shape_(shape), places_(places), in_(in) {}

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
      const Place& at = places_[b];
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
  const std::vector<Place>& places_;
  const Arrays& in_;
  size_t i_ = 0;
};

/** f(a) for each weight of a block; ends at the first that is false. */
template <class F>
bool all_weights(const DecodeBlock& b, const F& f) {
  for (const Linear* l : {&b.q, &b.k, &b.v, &b.o, &b.gate, &b.up, &b.down}) {
    if (!f(l->weight) || (l->quantization && !f(l->quantization->scales)) ||
        (l->bias && !f(*l->bias))) {
      return false;
    }
  }
  return f(b.attention_norm.weight) && f(b.mlp_norm.weight) &&
      (!b.q_norm || (f(b.q_norm->weight) && f(b.k_norm->weight)));
}

} // namespace

bool can_decode(const mx::array& x, const DecodeBlock& b) {
  if (x.ndim() != 3 || x.shape(1) != 1 || x.shape(0) > kMostRows ||
      !kernels::usable({x}) || !is_fast(b.attention_norm.weight) ||
      !is_fast(b.mlp_norm.weight)) {
    return false;
  }
  if (b.q_norm &&
      (b.q_norm->eps != b.k_norm->eps || !is_fast(b.q_norm->weight) ||
       !is_fast(b.k_norm->weight))) {
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

struct PreparedDecode::Content {
  Arrays weights; // it was made from these; kept, so that their ids are theirs
  Shape shape;
  std::shared_ptr<const kernels::PreparedBlock> block;
};

namespace {

[[maybe_unused]] bool same_weights(
    const DecodeBlock& block,
    const Arrays& weights) {
  size_t i = 0;
  const auto same = [&](const mx::array& a) {
    return i < weights.size() && weights[i++].id() == a.id();
  };
  return all_weights(block, same) && i == weights.size();
}

} // namespace

std::shared_ptr<const PreparedDecode::Content> PreparedDecode::of(
    const DecodeBlock& block) {
  if constexpr (kernels::built) {
    if (!content_ || !same_weights(block, content_->weights)) {
      Arrays weights;
      all_weights(block, [&](const mx::array& a) {
        weights.push_back(a);
        return true;
      });
      content_ = std::make_shared<Content>(Content{
          std::move(weights),
          shape_of(block),
          kernels::prepare(block_of(block))});
    }
  }
  return content_;
}

Decoded decode_block(
    const mx::array& x,
    const DecodeBlock& block,
    const std::vector<CachedRow>& rows,
    PreparedDecode& prepared) {
  if constexpr (kernels::built) {
    std::vector<kernels::CachedText> texts;
    std::vector<Place> places;
    for (const CachedRow& r : rows) {
      texts.push_back({r.keys, r.values, r.position, r.slot, r.begin, r.end});
      places.push_back({r.position, r.slot, r.begin, r.end});
    }
    const auto content = prepared.of(block);
    const auto plain = [content, places](const Arrays& in) {
      return Plain(content->shape, places, in).run();
    };
    const Arrays out = kernels::decode_block(x, content->block, texts, plain);
    Decoded result{out[0], out[1], {}};
    for (size_t i = 2; i < out.size(); i += 2) {
      result.stores.emplace_back(out[i], out[i + 1]);
    }
    return result;
  }
  throw std::logic_error("[decode_block] ask can_decode() first.");
}

} // namespace llm::nn
