// SPDX-License-Identifier: MIT

#include "llm/kernels/pack_bf16.h"

#include "llm/kernels/product_tasks.h"
#include "llm/kernels/thread_pool.h"

#ifdef __x86_64__

#include <algorithm>

#include "llm/kernels/x86.h"

namespace llm::kernels {

namespace {

constexpr int64_t kWide = kBf16Panel;

/** words[j] = (low[j], high[j]) for j < n <= 16; a null row is zeros. */
LLM_BF16 void
interleave(const float* low, const float* high, int64_t n, uint32_t* words) {
  const __mmask16 some = static_cast<__mmask16>((1u << n) - 1);
  const auto row = [&](const float* p) LLM_BF16 {
    const __m512 x = p ? _mm512_maskz_loadu_ps(some, p) : _mm512_setzero_ps();
    return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(x));
  };
  const __m512i high_half = _mm512_slli_epi32(row(high), 16);
  _mm512_mask_storeu_epi32(words, some, _mm512_or_si512(row(low), high_half));
}

} // namespace

LLM_BF16 void pair_up_bf16(const float* x, int64_t n, uint32_t* words) {
  for (int64_t i = 0; i < n; i += 16) {
    const int64_t left = std::min<int64_t>(16, n - i);
    const __mmask16 some = static_cast<__mmask16>((1u << left) - 1);
    const __m512 v = _mm512_maskz_loadu_ps(some, x + i);
    const __mmask8 words_left =
        static_cast<__mmask8>((1u << ((left + 1) / 2)) - 1);
    _mm256_mask_storeu_epi32(
        words + i / 2, words_left, (__m256i)_mm512_cvtneps_pbh(v));
  }
}

namespace {

/** Rows [begin, end) of x [K, n], which have no gaps, in pairs, cut into strips
 * of `width` columns: strip i is [pairs, stride] at out + i * pairs * stride.
 * Read in the order in which they lie. `begin` is even. */
LLM_BF16 void pack_strips(
    const float* x,
    int64_t row,
    int64_t K,
    int64_t n,
    int64_t width,
    int64_t begin,
    int64_t end,
    uint32_t* out) {
  const int64_t pairs = (K + 1) / 2;
  for (int64_t k = begin; k < end; k += 2) {
    const float* low = x + k * row;
    const float* high = k + 1 < K ? low + row : nullptr;
    for (int64_t first = 0; first < n; first += width) {
      const int64_t last = std::min(n, first + width);
      uint32_t* to = out + first * pairs + k / 2 * width;
      for (int64_t j = first; j < last; j += 16, to += 16) {
        const int64_t some = std::min<int64_t>(16, last - j);
        interleave(low + j, high ? high + j : nullptr, some, to);
      }
    }
  }
}

/** Four rows of words, 4 each, as four columns. */
LLM_BF16 void turn_words(const uint32_t words[4][16], int i, uint32_t* out) {
  __m128 a = _mm_loadu_ps(reinterpret_cast<const float*>(words[0] + i));
  __m128 b = _mm_loadu_ps(reinterpret_cast<const float*>(words[1] + i));
  __m128 c = _mm_loadu_ps(reinterpret_cast<const float*>(words[2] + i));
  __m128 d = _mm_loadu_ps(reinterpret_cast<const float*>(words[3] + i));
  _MM_TRANSPOSE4_PS(a, b, c, d);
  auto* to = reinterpret_cast<float*>(out);
  _mm_storeu_ps(to, a);
  _mm_storeu_ps(to + kWide, b);
  _mm_storeu_ps(to + 2 * kWide, c);
  _mm_storeu_ps(to + 3 * kWide, d);
}

/** Columns [0, n) of b, which lie without gaps -> out [pairs, kWide]; what is
 * beyond n stays. */
LLM_BF16 void pack_columns(
    const float* b,
    int64_t column,
    int64_t K,
    int64_t n,
    uint32_t* out) {
  constexpr int64_t kSome = 32; // of K: what is written stays in L1
  uint32_t words[4][kSome / 2];
  for (int64_t k = 0; k < K; k += kSome) {
    const int64_t depth = std::min(kSome, K - k);
    for (int64_t j = 0; j < n; j += 4) {
      const int64_t columns = std::min<int64_t>(4, n - j);
      for (int64_t c = 0; c < columns; ++c) {
        pair_up_bf16(b + (j + c) * column + k, depth, words[c]);
      }
      uint32_t* to = out + k / 2 * kWide + j;
      if (columns == 4 && depth == kSome) {
        for (int i = 0; i < kSome / 2; i += 4) {
          turn_words(words, i, to + i * kWide);
        }
        continue;
      }
      for (int64_t i = 0; i < (depth + 1) / 2; ++i) {
        for (int64_t c = 0; c < columns; ++c) {
          to[i * kWide + c] = words[c][i];
        }
      }
    }
  }
}

} // namespace

void pack_strips_bf16(
    const float* x,
    int64_t row,
    int64_t K,
    int64_t n,
    int64_t width,
    uint32_t* out) {
  constexpr int64_t kDeep = 32; // of K: a task
  parallel_for(divided(K, kDeep), [&](int64_t i) {
    const int64_t end = std::min(K, (i + 1) * kDeep);
    pack_strips(x, row, K, n, width, i * kDeep, end, out);
  });
}

void pack_panels_bf16(const Tensor& b, uint32_t* out) {
  const int64_t K = b.dim(0), N = b.dim(1), pairs = (K + 1) / 2;
  const int64_t rest = N % kWide, whole = N - rest;
  if (rest > 0) { // zeros beyond the last column
    std::fill_n(out + whole * pairs, pairs * kWide, 0u);
  }
  if (b.stride(1) == 1) {
    pack_strips_bf16(b.data, b.stride(0), K, N, kWide, out);
    return;
  }
  parallel_for(divided(N, kWide), [&](int64_t i) {
    pack_columns(
        b.data + i * kWide * b.stride(1),
        b.stride(1),
        K,
        std::min(kWide, N - i * kWide),
        out + i * kWide * pairs);
  });
}

} // namespace llm::kernels

#endif
