// SPDX-License-Identifier: MIT
//
// What the kernels share inside HWY_NAMESPACE. Highway compiles a kernel file
// once for each instruction set, and this file with it, so the guard below is
// theirs, not an include guard. `V` is a vector of floats, `D` its tag.

#if defined(LLM_KERNELS_SIMD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LLM_KERNELS_SIMD_INL_H_
#undef LLM_KERNELS_SIMD_INL_H_
#else
#define LLM_KERNELS_SIMD_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include <hwy/highway.h>

#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

inline int64_t lanes() {
  return static_cast<int64_t>(hn::Lanes(D()));
}

inline V set(float value) {
  return hn::Set(D(), value);
}

/** The first n < lanes values at p; the rest is zero. Reads nothing else. */
inline V load_part(const float* p, int64_t n) {
  HWY_ALIGN float buffer[HWY_MAX_BYTES / sizeof(float)] = {};
  std::copy_n(p, n, buffer);
  return hn::Load(D(), buffer);
}

inline void store_part(V v, float* p, int64_t n) {
  HWY_ALIGN float buffer[HWY_MAX_BYTES / sizeof(float)];
  hn::Store(v, D(), buffer);
  std::copy_n(buffer, n, p);
}

/** f(i, n, load, store) for whole vectors, then once for what is left: `load`
 * and `store` take a pointer to element i. */
template <class F>
HWY_INLINE void for_vectors(int64_t count, F&& f) {
  const int64_t N = lanes();
  int64_t i = 0;
  for (; i + N <= count; i += N) {
    f(
        i,
        [](const float* p) HWY_ATTR { return hn::LoadU(D(), p); },
        [](V v, float* p) HWY_ATTR { hn::StoreU(v, D(), p); });
  }
  if (i < count) {
    const int64_t n = count - i;
    f(
        i,
        [n](const float* p) HWY_ATTR { return load_part(p, n); },
        [n](V v, float* p) HWY_ATTR { store_part(v, p, n); });
  }
}

/** The transpose of from [rows, columns]: to [columns, rows]; `from_row` and
 * `to_row` are the distances of their rows. By squares of 4 x 4. */
inline void transpose_block(
    const float* from,
    int64_t from_row,
    int64_t rows,
    int64_t columns,
    float* to,
    int64_t to_row) {
  int64_t r = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::FixedTag<float, 4> d;
  for (; r + 4 <= rows; r += 4) {
    const float* a = from + r * from_row;
    int64_t c = 0;
    for (; c + 4 <= columns; c += 4) {
      const auto a0 = hn::LoadU(d, a + c);
      const auto a1 = hn::LoadU(d, a + from_row + c);
      const auto a2 = hn::LoadU(d, a + 2 * from_row + c);
      const auto a3 = hn::LoadU(d, a + 3 * from_row + c);
      const auto low02 = hn::InterleaveLower(d, a0, a2);
      const auto low13 = hn::InterleaveLower(d, a1, a3);
      const auto high02 = hn::InterleaveUpper(d, a0, a2);
      const auto high13 = hn::InterleaveUpper(d, a1, a3);
      float* t = to + c * to_row + r;
      hn::StoreU(hn::InterleaveLower(d, low02, low13), d, t);
      hn::StoreU(hn::InterleaveUpper(d, low02, low13), d, t + to_row);
      hn::StoreU(hn::InterleaveLower(d, high02, high13), d, t + 2 * to_row);
      hn::StoreU(hn::InterleaveUpper(d, high02, high13), d, t + 3 * to_row);
    }
    for (; c < columns; ++c) {
      for (int64_t i = 0; i < 4; ++i) {
        to[c * to_row + r + i] = a[i * from_row + c];
      }
    }
  }
#endif
  for (; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      to[c * to_row + r] = from[r * from_row + c];
    }
  }
}

inline float sum_of(V v) {
  return hn::GetLane(hn::SumOfLanes(D(), v));
}

inline float max_of(V v) {
  return hn::GetLane(hn::MaxOfLanes(D(), v));
}

/** 1 / (1 + exp(-x)). Beyond 88 exp would leave the range of floats. */
inline V sigmoid(V x) {
  const V e = hn::Exp(D(), hn::Min(hn::Neg(x), set(88.0f)));
  return hn::Div(set(1.0f), hn::Add(set(1.0f), e));
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif // the guard that Highway toggles
