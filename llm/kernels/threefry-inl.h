// SPDX-License-Identifier: MIT
//
// The random words that MLX draws from a key: Threefry 2x32, 20 rounds (Salmon
// et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011), a vector of
// pairs at a time. Of n words, word i is the first of the pair of counters (i,
// i + n - n / 2), and word i + n - n / 2 the second; the one in the middle of
// an odd n comes from (n / 2, 0). The guard is Highway's, see simd-inl.h.

#if defined(LLM_KERNELS_THREEFRY_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LLM_KERNELS_THREEFRY_INL_H_
#undef LLM_KERNELS_THREEFRY_INL_H_
#else
#define LLM_KERNELS_THREEFRY_INL_H_
#endif

#include "llm/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

using DU = hn::RebindToUnsigned<D>;
using VU = hn::Vec<DU>;

template <int R>
HWY_INLINE void mix(VU& a, VU& b) {
  a = hn::Add(a, b);
  b = hn::Xor(hn::RotateRight<32 - R>(b), a);
}

/** Two random words for each pair of counters (a, b), in their place. */
HWY_INLINE void threefry(uint32_t k0, uint32_t k1, VU& a, VU& b) {
  const uint32_t k2 = k0 ^ k1 ^ 0x1BD11BDAu;
  const auto inject = [&](uint32_t x, uint32_t y, uint32_t round) HWY_ATTR {
    a = hn::Add(a, hn::Set(DU(), x));
    b = hn::Add(b, hn::Set(DU(), y + round));
  };
  const auto even = [&]() HWY_ATTR {
    mix<13>(a, b);
    mix<15>(a, b);
    mix<26>(a, b);
    mix<6>(a, b);
  };
  const auto odd = [&]() HWY_ATTR {
    mix<17>(a, b);
    mix<29>(a, b);
    mix<16>(a, b);
    mix<24>(a, b);
  };
  inject(k0, k1, 0);
  even();
  inject(k1, k2, 1);
  odd();
  inject(k2, k0, 2);
  even();
  inject(k0, k1, 3);
  odd();
  inject(k1, k2, 4);
  even();
  inject(k2, k0, 5);
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif // the guard that Highway toggles
