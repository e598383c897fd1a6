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

#include "llm/kernels/attend_parts.h"
#include "llm/kernels/decode_steps.h"
#include "llm/kernels/rows.h"
#include "llm/kernels/simd-inl.h"
#include "llm/kernels/softmax-inl.h"
#include "llm/kernels/thread_pool.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

/** scores[j] = q . k_j for Keys keys. */
template <int Keys>
HWY_INLINE void
dot_some(const float* q, const float* keys, int64_t D_, float* scores) {
  V sum[Keys];
  for (V& s : sum) {
    s = hn::Zero(D());
  }
  for_vectors(D_, [&](int64_t i, auto load, auto) HWY_ATTR {
    const V a = load(q + i);
    for (int j = 0; j < Keys; ++j) {
      sum[j] = hn::MulAdd(a, load(keys + j * D_ + i), sum[j]);
    }
  });
  for (int j = 0; j < Keys; ++j) {
    scores[j] = sum_of(sum[j]);
  }
}

/** scores[j] = q . k_j. */
void dot_keys(
    const float* q,
    const float* keys,
    int64_t n,
    int64_t D_,
    float* scores) {
  int64_t j = 0;
  for (; j + 4 <= n; j += 4) {
    dot_some<4>(q, keys + j * D_, D_, scores + j);
  }
  for (; j < n; ++j) {
    dot_some<1>(q, keys + j * D_, D_, scores + j);
  }
}

/** y = sum of p_j v_j, for Count vectors of D. */
template <int Count>
HWY_INLINE void mix_vectors(
    const float* p,
    const float* values,
    int64_t n,
    int64_t D_,
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
    hn::StoreU(sum[c], D(), y + c * lanes());
  }
}

void mix_values(
    const float* p,
    const float* values,
    int64_t n,
    int64_t D_,
    float* y) {
  const int64_t N = lanes();
  int64_t i = 0;
  for (; i + 4 * N <= D_; i += 4 * N) {
    mix_vectors<4>(p, values + i, n, D_, y + i);
  }
  for (; i + N <= D_; i += N) {
    mix_vectors<1>(p, values + i, n, D_, y + i);
  }
  for (; i < D_; ++i) {
    float sum = 0;
    for (int64_t j = 0; j < n; ++j) {
      sum += p[j] * values[j * D_ + i];
    }
    y[i] = sum;
  }
}

/** Over n keys and values, [n, D] each: top = max of scale q K^T, y [D] = w V
 * with w = exp(scale q K^T - top); returns the sum of w. */
float attend_some(
    const float* q,
    const float* keys,
    const float* values,
    int64_t n,
    int64_t D_,
    float scale,
    float* scores,
    float* top,
    float* y) {
  dot_keys(q, keys, n, D_, scores);
  *top = scale * highest(scores, n, n);
  const float sum = exponentials(scores, n, n, scale, *top);
  mix_values(scores, values, n, D_, y);
  return sum;
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(attend_some);

namespace {

/** Heads of one row, normalized and turned; head h goes to out + h * stride. */
void make_heads(
    const float* x,
    int heads,
    int64_t D,
    const Tensor* norm,
    float eps,
    const Turns& turns,
    int position,
    float* out,
    int64_t stride) {
  const int64_t half = D / 2;
  std::vector<float> normed(D);
  for (int h = 0; h < heads; ++h, x += D, out += stride) {
    const float* from = x;
    if (norm) {
      norm_of_row(x, norm->data, nullptr, normed.data(), D, eps, false);
      from = normed.data();
    }
    const float* cosines = turns.cosines.data() + position * half;
    const float* sines = turns.sines.data() + position * half;
    turn_row(from, cosines, sines, 1.0f, out, half);
  }
}

/** Puts the new token of a text into its cache and its queries into `q`. */
void place(
    const AttentionPlan& s,
    const Places::Place& at,
    const Turns& turns,
    const Tensors& weights,
    const float* row,
    float* q,
    const Tensor& keys,
    const Tensor& values) {
  const int64_t D = keys.dim(3), n = keys.dim(2);
  const Tensor* q_norm = s.q_norm < 0 ? nullptr : &weights[s.q_norm];
  const Tensor* k_norm = s.k_norm < 0 ? nullptr : &weights[s.k_norm];
  make_heads(row, s.queries, D, q_norm, s.eps, turns, at.position, q, D);
  row += s.queries * D;
  float* to_k = keys.data + at.slot * D;
  make_heads(row, s.keys, D, k_norm, s.eps, turns, at.position, to_k, n * D);
  row += s.keys * D;
  for (int h = 0; h < s.keys; ++h) {
    std::copy_n(row + h * D, D, values.data + (h * n + at.slot) * D);
  }
}

} // namespace

void run_attention(
    const AttentionPlan& s,
    const Places& places,
    const Tensors& weights,
    const Tensor& qkv,
    const Tensor& queries,
    const Tensor* old,
    const Tensor* stores,
    const Tensor& out) {
  const int64_t B = qkv.rows(), D = stores[0].dim(3), H = s.queries;
  for (int64_t i = 0; i < 2 * B; ++i) {
    if (old[i].data != stores[i].data) { // somebody else holds it
      std::copy_n(old[i].data, old[i].size(), stores[i].data);
    }
  }
  for (int64_t b = 0; b < B; ++b) {
    place(
        s,
        places.texts[b],
        *places.turns,
        weights,
        qkv.data + b * qkv.width(),
        queries.data + b * H * D,
        stores[2 * b],
        stores[2 * b + 1]);
  }
  const Parts parts(places, s.keys, H / s.keys, D);
  std::vector<float> memory(parts.size());
  parallel_for(parts.tasks(), [&](int64_t task) {
    const Part part = parts.part(task);
    const Tensor &keys = stores[2 * part.text],
                 &values = stores[2 * part.text + 1];
    const int64_t at = (part.head * keys.dim(2) + part.begin) * D;
    float scores[kPart];
    for (int64_t g = 0; g < H / s.keys; ++g) {
      const int64_t h = part.text * H + part.head * (H / s.keys) + g;
      float* to = memory.data() + parts.place(task, g); // top, sum, y
      to[1] = HWY_DYNAMIC_DISPATCH(attend_some)(
          queries.data + h * D,
          keys.data + at,
          values.data + at,
          part.count,
          D,
          s.scale,
          scores,
          to,
          to + 2);
    }
  });
  parts.put_together(memory.data(), out.data);
}

AttentionPlan plan_attention(const Heads& heads, Weights& weights) {
  AttentionPlan s{
      .queries = heads.queries,
      .keys = heads.keys,
      .scale = heads.scale,
      .turning = heads.turning};
  if (heads.q_norm) {
    s.eps = heads.q_norm->eps;
    s.q_norm = weights.add(heads.q_norm->weight);
    s.k_norm = weights.add(heads.k_norm->weight);
  }
  return s;
}

} // namespace llm::kernels
#endif // HWY_ONCE
