// SPDX-License-Identifier: MIT

#include "llm/nn/decode.h"

#include <cmath>
#include <utility>

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

/** The same in MLX's operations; takes its inputs as Projection lists them. */
kernels::Function plain_of(const kernels::Projection& p) {
  std::vector<std::pair<int, bool>> parts; // bits, has a bias
  for (const kernels::Matrix& m : p.matrices) {
    parts.emplace_back(m.bits, m.bias.has_value());
  }
  const auto eps = p.norm ? std::optional<float>(p.norm->eps) : std::nullopt;
  return [parts, eps, add = p.residual.has_value(), swiglu = p.swiglu](
             const Arrays& in) {
    size_t i = 0;
    const mx::array raw = in[i++];
    const mx::array x = eps ? mx::fast::rms_norm(raw, in[i++], *eps) : raw;
    const auto residual =
        add ? std::optional<mx::array>(in[i++]) : std::nullopt;
    Arrays out;
    for (const auto& [bits, has_bias] : parts) {
      const mx::array& w = in[i++];
      if (bits == 32) {
        out.push_back(mx::matmul(x, mx::transpose(w)));
      } else {
        const mx::array &scales = in[i], &biases = in[i + 1];
        const int group = x.shape(-1) / scales.shape(-1);
        out.push_back(
            mx::quantized_matmul(x, w, scales, biases, true, group, bits));
        i += 2;
      }
      if (has_bias) {
        out.back() = mx::add(out.back(), in[i++]);
      }
    }
    if (swiglu) {
      const mx::array gate = mx::multiply(out[0], mx::sigmoid(out[0]));
      out = {mx::multiply(gate, out[1])};
    }
    mx::array y = out.size() == 1 ? out[0] : mx::concatenate(out, -1);
    return Arrays{residual ? mx::add(*residual, y) : y};
  };
}

mx::array project(const mx::array& x, const kernels::Projection& p) {
  const kernels::Function plain = plain_of(p);
  if constexpr (kernels::built) {
    return kernels::project(x, p, plain);
  }
  throw std::logic_error("[decode] ask can_decode() first.");
}

std::optional<kernels::NormBefore> before(const std::optional<RMSNorm>& norm) {
  if (!norm) {
    return std::nullopt;
  }
  return kernels::NormBefore{norm->weight, norm->eps};
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

/** Where a text's token goes and what it sees, without the arrays. */
struct Place {
  int position, slot, begin, end;
};

/** attend_cached in MLX's operations. in: qkv, q_norm, k_norm, then keys and
 * values of each text. */
Arrays plain_attend(
    const Arrays& in,
    const std::vector<Place>& places,
    const DecodeHeads& h,
    float scale) {
  size_t i = 1;
  const auto normed = [&](const mx::array& x, const auto& norm) {
    return norm ? mx::fast::rms_norm(x, in[i++], norm->eps) : x;
  };
  const mx::array heads =
      split_heads(in[0], h.heads + 2 * h.kv_heads); // [B, H + 2 K, 1, D]
  const auto part = [&](int from, int to) {
    mx::Shape begin(4, 0), end = heads.shape();
    begin[1] = from;
    end[1] = to;
    return mx::slice(heads, begin, end);
  };
  const int H = h.heads, K = h.kv_heads;
  const mx::array q = normed(part(0, H), h.q_norm);
  const mx::array k = normed(part(H, H + K), h.k_norm);
  const mx::array v = part(H + K, H + 2 * K);
  Arrays outs, queries, stores;
  for (int b = 0; b < q.shape(0); ++b) {
    const Place& at = places[b];
    const auto row = [b](const mx::array& x) {
      return mx::slice(x, {b, 0, 0, 0}, {b + 1, x.shape(1), 1, x.shape(3)});
    };
    const Positions position{.start = at.position};
    queries.push_back(h.rope(row(q), position));
    Arrays seen;
    for (const mx::array& x : {h.rope(row(k), position), row(v)}) {
      mx::Shape from(4, 0), to = x.shape();
      from[2] = at.slot;
      to[2] = at.slot + 1;
      stores.push_back(mx::slice_update(in[i++], x, from, to));
      from[2] = at.begin;
      to[2] = at.end;
      seen.push_back(mx::slice(stores.back(), from, to));
    }
    outs.push_back(merge_heads(mx::fast::scaled_dot_product_attention(
        queries.back(), seen[0], seen[1], scale)));
  }
  Arrays out = {mx::concatenate(outs, 0), mx::concatenate(queries, 0)};
  out.insert(out.end(), stores.begin(), stores.end());
  return out;
}

} // namespace

bool can_decode(
    const mx::array& x,
    std::initializer_list<const Linear*> layers) {
  if (x.ndim() != 3 || x.shape(1) != 1 || x.shape(0) > kMostRows ||
      !kernels::usable({x})) {
    return false;
  }
  for (const Linear* layer : layers) {
    if (!is_fast(*layer)) {
      return false;
    }
  }
  return true;
}

mx::array norm_project(
    const mx::array& x,
    const RMSNorm& norm,
    std::initializer_list<const Linear*> layers) {
  kernels::Projection p{.norm = before(norm)};
  for (const Linear* layer : layers) {
    p.matrices.push_back(matrix_of(*layer));
  }
  return project(x, p);
}

mx::array project_add(
    const mx::array& x,
    const Linear& layer,
    const mx::array& residual) {
  return project(x, {.residual = residual, .matrices = {matrix_of(layer)}});
}

mx::array norm_swiglu(
    const mx::array& x,
    const RMSNorm& norm,
    const Linear& gate,
    const Linear& up) {
  return project(
      x,
      {.norm = before(norm),
       .matrices = {matrix_of(gate), matrix_of(up)},
       .swiglu = true});
}

Attended attend_cached(
    const mx::array& qkv,
    const std::vector<CachedRow>& rows,
    const DecodeHeads& heads) {
  const int D = rows.at(0).keys.shape(3);
  const float scale =
      heads.scale != 0 ? heads.scale : 1.0f / std::sqrt(static_cast<float>(D));
  std::vector<Place> places;
  for (const CachedRow& row : rows) {
    places.push_back({row.position, row.slot, row.begin, row.end});
  }
  const kernels::Function plain = [places, heads, scale](const Arrays& in) {
    return plain_attend(in, places, heads, scale);
  };
  if constexpr (kernels::built) {
    std::vector<kernels::CachedText> texts;
    for (const CachedRow& r : rows) {
      texts.push_back({r.keys, r.values, r.position, r.slot, r.begin, r.end});
    }
    const Arrays out = kernels::attend_cached(
        qkv,
        texts,
        {.queries = heads.heads,
         .keys = heads.kv_heads,
         .scale = scale,
         .turning = turning_of(heads.rope),
         .q_norm = before(heads.q_norm),
         .k_norm = before(heads.k_norm)},
        plain);
    Attended result{out[0], out[1], {}};
    for (size_t i = 2; i < out.size(); i += 2) {
      result.stores.emplace_back(out[i], out[i + 1]);
    }
    return result;
  }
  throw std::logic_error("[decode] ask can_decode() first.");
}

} // namespace llm::nn
