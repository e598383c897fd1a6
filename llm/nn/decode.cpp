// SPDX-License-Identifier: MIT

#include "llm/nn/decode.h"

#include <stdexcept>

#include "llm/kernels/decode.h"
#include "llm/kernels/kernels.h"
#include "llm/nn/decode_plain.h"

namespace llm::nn {

namespace {

constexpr int kMostRows = 16;

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

[[maybe_unused]] kernels::Block block_of(const DecodeBlock& b) {
  return {
      .qkv =
          {.norm = before(b.attention_norm),
           .matrices = {matrix_of(b.q), matrix_of(b.k), matrix_of(b.v)}},
      .heads =
          {.queries = b.heads,
           .keys = b.kv_heads,
           .scale = decode_scale(b.k.out() / b.kv_heads),
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
  DecodeArrays
      weights; // it was made from these; kept, so that their ids are theirs
  DecodeShape shape;
  std::shared_ptr<const kernels::PreparedBlock> block;
};

namespace {

[[maybe_unused]] bool same_weights(
    const DecodeBlock& block,
    const DecodeArrays& weights) {
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
      DecodeArrays weights;
      all_weights(block, [&](const mx::array& a) {
        weights.push_back(a);
        return true;
      });
      content_ = std::make_shared<Content>(Content{
          std::move(weights),
          decode_shape(block),
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
    std::vector<DecodePlace> places;
    for (const CachedRow& r : rows) {
      texts.push_back({r.keys, r.values, r.position, r.slot, r.begin, r.end});
      places.push_back({r.position, r.slot, r.begin, r.end});
    }
    const auto content = prepared.of(block);
    const auto plain = [content, places](const DecodeArrays& in) {
      return decode_plain(content->shape, places, in);
    };
    const DecodeArrays out =
        kernels::decode_block(x, content->block, texts, plain);
    Decoded result{out[0], out[1], {}};
    for (size_t i = 2; i < out.size(); i += 2) {
      result.stores.emplace_back(out[i], out[i + 1]);
    }
    return result;
  }
  throw std::logic_error("[decode_block] ask can_decode() first.");
}

} // namespace llm::nn
