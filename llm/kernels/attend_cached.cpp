// SPDX-License-Identifier: MIT
//
// One new token of each text: its queries and keys are normalized and turned,
// key and value go into the cache, and the queries look at what is there.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "llm/kernels/attend_cached.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <vector>

#include "llm/kernels/decode.h"
#include "llm/kernels/rows.h"
#include "llm/kernels/simd-inl.h"
#include "llm/kernels/softmax-inl.h"
#include "llm/kernels/thread_pool.h"
#include "llm/kernels/turns.h"

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
  const float top = scale * highest(scores, n);
  const float sum = exponentials(scores, n, n, scale, top);
  mix_values(scores, values, n, D_, 1.0f / sum, y);
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(attend_one);

namespace {

struct Place {
  int position, slot, begin, end;
};

struct Settings {
  int queries, keys;
  float scale;
  bool q_norm, k_norm;
  float eps;
  std::shared_ptr<const Turns> turns;
  std::vector<Place> places;
};

/** Heads of one row, normalized and turned; head h goes to out + h * stride. */
void make_heads(
    const float* x,
    int heads,
    int64_t D,
    const Tensor* norm,
    const Settings& s,
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
    const Settings& s,
    const Tensors& in,
    int64_t b,
    const Tensor& q,
    const Tensor& keys,
    const Tensor& values) {
  const int64_t D = q.dim(3), n = keys.dim(2);
  const Place& at = s.places[b];
  const float* row = in[0].row(b);
  const Tensor* q_norm = s.q_norm ? &in[1] : nullptr;
  const Tensor* k_norm = s.k_norm ? &in[1 + s.q_norm] : nullptr;
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

void run(const Settings& s, const Tensors& in, const Tensors& out) {
  const int64_t B = in[0].rows(), D = out[1].dim(3), H = s.queries;
  const size_t first = 1 + s.q_norm + s.k_norm; // of the caches
  for (size_t i = 0; i < static_cast<size_t>(2 * B); ++i) {
    const Tensor &old = in[first + i], &now = out[2 + i];
    if (old.data != now.data) { // somebody else holds it
      std::copy_n(old.data, old.size(), now.data);
    }
  }
  for (int64_t b = 0; b < B; ++b) {
    place(s, in, b, out[1], out[2 + 2 * b], out[3 + 2 * b]);
  }
  parallel_for(B * H, [&](int64_t task) {
    const int64_t b = task / H, h = task % H, kv = h * s.keys / H;
    const Tensor &keys = out[2 + 2 * b], &values = out[3 + 2 * b];
    const int64_t begin = s.places[b].begin, count = s.places[b].end - begin;
    const int64_t at = (kv * keys.dim(2) + begin) * D;
    std::vector<float> scores(count);
    HWY_DYNAMIC_DISPATCH(attend_one)
    (out[1].data + task * D,
     keys.data + at,
     values.data + at,
     count,
     D,
     s.scale,
     scores.data(),
     out[0].data + task * D);
  });
}

Settings
settings_of(const std::vector<CachedText>& texts, const Heads& heads, int D) {
  Settings s{
      .queries = heads.queries,
      .keys = heads.keys,
      .scale = heads.scale,
      .q_norm = heads.q_norm.has_value(),
      .k_norm = heads.k_norm.has_value(),
      .eps = heads.q_norm ? heads.q_norm->eps : 0.0f};
  int last = 0;
  for (const CachedText& text : texts) {
    s.places.push_back({text.position, text.slot, text.begin, text.end});
    last = std::max(last, text.position);
  }
  s.turns = turns_for(D, heads.turning, last + 1);
  return s;
}

/** What tells two of these nodes apart. */
std::vector<double> numbers(const Settings& s, const Turning& t) {
  std::vector<double> out = {
      double(s.queries), double(s.keys), s.scale, s.eps, t.base, t.scale};
  out.insert(out.end(), {t.magnitude, double(s.q_norm), double(s.k_norm)});
  out.insert(out.end(), t.periods.begin(), t.periods.end());
  for (const Place& p : s.places) {
    out.insert(
        out.end(),
        {double(p.position), double(p.slot), double(p.begin), double(p.end)});
  }
  return out;
}

} // namespace

std::vector<mx::array> attend_cached(
    const mx::array& qkv,
    const std::vector<CachedText>& texts,
    const Heads& heads,
    Function plain) {
  const int B = qkv.shape(0), D = texts.at(0).keys.shape(3);
  std::vector<mx::array> inputs = {qkv};
  std::vector<Output> outputs = {
      {.shape = {B, 1, heads.queries * D}},
      {.shape = {B, heads.queries, 1, D}}};
  for (const auto& norm : {heads.q_norm, heads.k_norm}) {
    if (norm) {
      inputs.push_back(norm->weight);
    }
  }
  for (const CachedText& text : texts) {
    for (const mx::array& store : {text.keys, text.values}) {
      outputs.push_back(
          {.shape = store.shape(), .donor = static_cast<int>(inputs.size())});
      inputs.push_back(store);
    }
  }
  const Settings s = settings_of(texts, heads, D);
  Kernel kernel{
      .name = "attend_cached",
      .settings = numbers(s, heads.turning),
      .run = [s](const Tensors& in, const Tensors& out) { run(s, in, out); },
      .plain = std::move(plain)};
  return make_node(std::move(kernel), inputs, outputs);
}

} // namespace llm::kernels
#endif // HWY_ONCE
