// SPDX-License-Identifier: MIT
//
// The two passes of a softmax over a row of scores. The guard is Highway's, see
// simd-inl.h.

#if defined(LLM_KERNELS_SOFTMAX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LLM_KERNELS_SOFTMAX_INL_H_
#undef LLM_KERNELS_SOFTMAX_INL_H_
#else
#define LLM_KERNELS_SOFTMAX_INL_H_
#endif

#include <algorithm>
#include <cmath>

#include "llm/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

/** So many vectors are added in float32, such sums in float64: over a large
 * vocabulary many small terms would be lost beside a large one. */
inline constexpr int64_t kSummed = 4;

/** s <- exp(scale s - shift) for the first n, zero up to `padded`; returns the
 * sum. */
inline float
exponentials(float* s, int64_t n, int64_t padded, float scale, float shift) {
  const int64_t N = lanes();
  V sum = hn::Zero(D());
  int64_t i = 0;
  for (; i + N <= n; i += N) {
    const V x = hn::MulSub(hn::LoadU(D(), s + i), set(scale), set(shift));
    const V e = hn::Exp(D(), x);
    hn::StoreU(e, D(), s + i);
    sum = hn::Add(sum, e);
  }
  if (i < n && i + N <= padded) { // what is beyond n may be anything
    const V x = hn::MulSub(hn::LoadU(D(), s + i), set(scale), set(shift));
    const V e = hn::IfThenElseZero(hn::FirstN(D(), n - i), hn::Exp(D(), x));
    hn::StoreU(e, D(), s + i);
    sum = hn::Add(sum, e);
    i += N;
  }
  float total = sum_of(sum);
  for (; i < n; ++i) {
    s[i] = std::exp(scale * s[i] - shift);
    total += s[i];
  }
  std::fill(s + i, s + std::max(i, padded), 0.0f);
  return total;
}

/** Of the first n; `padded` values may be read. */
inline float highest(const float* s, int64_t n, int64_t padded) {
  float top = s[0];
  const int64_t N = lanes();
  int64_t i = 0;
  if (N <= padded) {
    V v = set(top);
    for (; i + N <= n; i += N) {
      v = hn::Max(v, hn::LoadU(D(), s + i));
    }
    if (i < n && i + N <= padded) {
      const V rest = hn::LoadU(D(), s + i);
      v = hn::Max(v, hn::IfThenElse(hn::FirstN(D(), n - i), rest, v));
      i += N;
    }
    top = max_of(v);
  }
  for (; i < n; ++i) {
    top = std::max(top, s[i]);
  }
  return top;
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif // the guard that Highway toggles
