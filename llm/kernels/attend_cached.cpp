// SPDX-License-Identifier: MIT
//
// The attention of one new token of each text: its queries and keys are
// normalized and turned, key and value go into the cache, and the queries look
// at what is there.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "llm/kernels/attend_cached.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <vector>

#include "llm/kernels/decode_steps.h"
#include "llm/kernels/rows.h"
#include "llm/kernels/simd-inl.h"
#include "llm/kernels/softmax-inl.h"
#include "llm/kernels/thread_pool.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

/** scores[j] = q . k_j. */
void dot_keys(
    const float* q,
    const float* keys,
    int64_t n,
    int64_t D_,
    float* scores) {
  for (int64_t j = 0; j < n; ++j) {
    const float* k = keys + j * D_;
    V sum = hn::Zero(D());
    for_vectors(D_, [&](int64_t i, auto load, auto) HWY_ATTR {
      sum = hn::MulAdd(load(q + i), load(k + i), sum);
    });
    scores[j] = sum_of(sum);
  }
}

/** y = sum of p_j v_j times `factor`, for vectors i to i + Count of D. */
template <int Count>
HWY_INLINE void mix_vectors(
    const float* p,
    const float* values,
    int64_t n,
    int64_t D_,
    float factor,
    float* y) {
  V sum[Count];
  for (int c = 0; c < Count; ++c) {
    sum[c] = hn::Zero(D());
  }
  for (int64_t j = 0; j < n; ++j, values += D_) {
    const V weight = set(p[j]);
    for (int c = 0; c < Count; ++c) {
      const V v = hn::LoadU(D(), values + c * lanes());
      sum[c] = hn::MulAdd(weight, v, sum[c]);
    }
  }
  for (int c = 0; c < Count; ++c) {
    hn::StoreU(hn::Mul(sum[c], set(factor)), D(), y + c * lanes());
  }
}

void mix_values(
    const float* p,
    const float* values,
    int64_t n,
    int64_t D_,
    float factor,
    float* y) {
  const int64_t N = lanes();
  int64_t i = 0;
  for (; i + 4 * N <= D_; i += 4 * N) {
    mix_vectors<4>(p, values + i, n, D_, factor, y + i);
  }
  for (; i + N <= D_; i += N) {
    mix_vectors<1>(p, values + i, n, D_, factor, y + i);
  }
  for (; i < D_; ++i) {
    float sum = 0;
    for (int64_t j = 0; j < n; ++j) {
      sum += p[j] * values[j * D_ + i];
    }
    y[i] = sum * factor;
  }
}

/** y [D] = softmax(scale q K^T) V over n keys and values, [n, D] each. */
void attend_one(
    const float* q,
    const float* keys,
    const float* values,
    int64_t n,
    int64_t D_,
    float scale,
    float* scores,
    float* y) {
  dot_keys(q, keys, n, D_, scores);
  const float top = scale * highest(scores, n, n);
  const float sum = exponentials(scores, n, n, scale, top);
  mix_values(scores, values, n, D_, 1.0f / sum, y);
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(attend_one);

namespace {

/** Heads of one row, normalized and turned; head h goes to out + h * stride. */
void make_heads(
    const float* x,
    int heads,
    int64_t D,
    const Tensor* norm,
    const AttentionPlan& s,
    int position,
    float* out,
    int64_t stride) {
  const int64_t half = D / 2;
  std::vector<float> normed(D);
  for (int h = 0; h < heads; ++h, x += D, out += stride) {
    const float* from = x;
    if (norm) {
      norm_of_row(x, norm->data, nullptr, normed.data(), D, s.eps, false);
      from = normed.data();
    }
    const float* cosines = s.turns->cosines.data() + position * half;
    const float* sines = s.turns->sines.data() + position * half;
    turn_row(from, cosines, sines, 1.0f, out, half);
  }
}

/** Puts the new token of text b into its cache and its queries into `q`. */
void place(
    const AttentionPlan& s,
    const Tensors& in,
    int64_t b,
    const float* row,
    const Tensor& q,
    const Tensor& keys,
    const Tensor& values) {
  const int64_t D = s.width, n = keys.dim(2);
  const AttentionPlan::Place& at = s.places[b];
  const Tensor* q_norm = s.q_norm < 0 ? nullptr : &in[s.q_norm];
  const Tensor* k_norm = s.k_norm < 0 ? nullptr : &in[s.k_norm];
  float* to_q = q.data + b * s.queries * D;
  make_heads(row, s.queries, D, q_norm, s, at.position, to_q, D);
  row += s.queries * D;
  float* to_k = keys.data + at.slot * D;
  make_heads(row, s.keys, D, k_norm, s, at.position, to_k, n * D);
  row += s.keys * D;
  for (int h = 0; h < s.keys; ++h) {
    std::copy_n(row + h * D, D, values.data + (h * n + at.slot) * D);
  }
}

/** What tells two plans apart. */
void describe(const AttentionPlan& s, const Turning& t, NodeInputs& inputs) {
  std::vector<double>& out = inputs.settings;
  out.insert(
      out.end(),
      {double(s.queries), double(s.keys), s.scale, s.eps, t.base, t.scale});
  out.insert(out.end(), {t.magnitude, double(s.q_norm), double(s.k_norm)});
  out.insert(out.end(), t.periods.begin(), t.periods.end());
  for (const AttentionPlan::Place& p : s.places) {
    out.insert(
        out.end(),
        {double(p.position), double(p.slot), double(p.begin), double(p.end)});
  }
}

} // namespace

void run_attention(
    const AttentionPlan& s,
    const Tensors& in,
    const Tensor& qkv,
    const Tensor& queries,
    const Tensor* stores,
    const Tensor& out) {
  const int64_t B = qkv.rows(), D = s.width, H = s.queries;
  for (int64_t i = 0; i < 2 * B; ++i) {
    const Tensor& old = in[s.stores + i];
    if (old.data != stores[i].data) { // somebody else holds it
      std::copy_n(old.data, old.size(), stores[i].data);
    }
  }
  for (int64_t b = 0; b < B; ++b) {
    const float* row = qkv.data + b * qkv.width();
    place(s, in, b, row, queries, stores[2 * b], stores[2 * b + 1]);
  }
  parallel_for(B * H, [&](int64_t task) {
    const int64_t b = task / H, h = task % H, kv = h * s.keys / H;
    const Tensor &keys = stores[2 * b], &values = stores[2 * b + 1];
    const int64_t begin = s.places[b].begin, count = s.places[b].end - begin;
    const int64_t at = (kv * keys.dim(2) + begin) * D;
    std::vector<float> scores(count);
    HWY_DYNAMIC_DISPATCH(attend_one)
    (queries.data + task * D,
     keys.data + at,
     values.data + at,
     count,
     D,
     s.scale,
     scores.data(),
     out.data + task * D);
  });
}

AttentionPlan plan_attention(
    const Heads& heads,
    const std::vector<CachedText>& texts,
    NodeInputs& inputs) {
  AttentionPlan s{
      .queries = heads.queries,
      .keys = heads.keys,
      .width = texts.at(0).keys.shape(3),
      .scale = heads.scale};
  if (heads.q_norm) {
    s.eps = heads.q_norm->eps;
    s.q_norm = inputs.add(heads.q_norm->weight);
    s.k_norm = inputs.add(heads.k_norm->weight);
  }
  s.stores = static_cast<int>(inputs.arrays.size());
  int last = 0;
  for (const CachedText& text : texts) {
    inputs.add(text.keys);
    inputs.add(text.values);
    s.places.push_back({text.position, text.slot, text.begin, text.end});
    last = std::max(last, text.position);
  }
  s.turns = turns_for(s.width, heads.turning, last + 1);
  describe(s, heads.turning, inputs);
  return s;
}

} // namespace llm::kernels
#endif // HWY_ONCE
