// SPDX-License-Identifier: MIT
//
// As matmul.cpp, with pairs: a 32-bit word holds rows k and k + 1 of a column
// as two bfloat16, and vdpbf16ps adds both products of 16 words to 16 sums.
// Written with intrinsics, since Highway 1.0 does not know the instruction.

#include "llm/kernels/matmul_bf16.h"

#include "llm/kernels/simd_limit.h"
#include "llm/kernels/thread_pool.h"

#ifdef __x86_64__

#include <algorithm>
#include <cstdint>
#include <vector>

// GCC 12 takes the undefined registers of its own header for a mistake.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>

// What a function here may use; has_bf16_dot() asks the processor.
#define LLM_BF16 \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))

namespace llm::kernels {

namespace {

constexpr int64_t kWide = 32;   // columns of a panel: two vectors of words
constexpr int64_t kPairs = 128; // of K at a time: a panel stays in L1
constexpr int64_t kRows = 96;   // of A at a time
constexpr int kTile = 12;

/** words[j] = (low[j], high[j]) for j < n <= 16; a null row is zeros. */
LLM_BF16 void
interleave(const float* low, const float* high, int64_t n, uint32_t* words) {
  const __mmask16 some = static_cast<__mmask16>((1u << n) - 1);
  const auto row = [&](const float* p) LLM_BF16 {
    const __m512 x = p ? _mm512_maskz_loadu_ps(some, p) : _mm512_setzero_ps();
    return _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(x));
  };
  const __m512i high_half = _mm512_slli_epi32(row(high), 16);
  _mm512_storeu_si512(words, _mm512_or_si512(row(low), high_half));
}

/** Pairs of neighbours: words[i] = (x[2 i], x[2 i + 1]), zeros beyond n. */
LLM_BF16 void pair_up(const float* x, int64_t n, uint32_t* words) {
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

/** Rows k of a matrix in pairs: row_of(k) points at `n` values; out [pairs,
 * stride]. */
template <class RowOf>
LLM_BF16 void pack_rows(
    const RowOf& row_of,
    int64_t K,
    int64_t n,
    uint32_t* out,
    int64_t stride) {
  for (int64_t k = 0; k < K; k += 2, out += stride) {
    const float* low = row_of(k);
    const float* high = k + 1 < K ? row_of(k + 1) : nullptr;
    for (int64_t j = 0; j < n; j += 16) {
      const int64_t some = std::min<int64_t>(16, n - j);
      interleave(low + j, high ? high + j : nullptr, some, out + j);
    }
  }
}

/** Columns [0, n) of b -> out [pairs, kWide], zeros beyond n. */
LLM_BF16 void pack_panel(
    const float* b,
    int64_t row,
    int64_t column,
    int64_t K,
    int64_t n,
    uint32_t* out) {
  const int64_t pairs = (K + 1) / 2;
  if (n < kWide) {
    std::fill(out, out + pairs * kWide, 0u);
  }
  if (column == 1) {
    pack_rows([&](int64_t k) { return b + k * row; }, K, n, out, kWide);
    return;
  }
  constexpr int64_t kSome = 32; // of K: what is written stays in L1
  uint32_t words[kSome / 2];
  for (int64_t k = 0; k < K; k += kSome) {
    const int64_t depth = std::min(kSome, K - k);
    for (int64_t j = 0; j < n; ++j) {
      pair_up(b + j * column + k, depth, words);
      for (int64_t i = 0; i < (depth + 1) / 2; ++i) {
        out[(k / 2 + i) * kWide + j] = words[i];
      }
    }
  }
}

/** c [R, n <= kWide] (+)= a times a panel; a(i, pair) = a[i * row + pair *
 * column]. */
template <int R>
LLM_BF16 void tile(
    const uint32_t* a,
    int64_t row,
    int64_t column,
    const uint32_t* panel,
    float* c,
    int64_t c_row,
    int64_t pairs,
    int64_t n,
    bool add) {
  const uint32_t some = n >= kWide ? ~0u : (1u << n) - 1;
  const __mmask16 mask[2] = {
      static_cast<__mmask16>(some), static_cast<__mmask16>(some >> 16)};
  __m512 sum[R][2];
  for (int i = 0; i < R; ++i) {
    for (int j = 0; j < 2; ++j) {
      sum[i][j] = _mm512_setzero_ps();
    }
  }
  for (int64_t p = 0; p < pairs; ++p, panel += kWide, a += column) {
    const auto b0 = (__m512bh)_mm512_loadu_si512(panel);
    const auto b1 = (__m512bh)_mm512_loadu_si512(panel + 16);
    for (int i = 0; i < R; ++i) {
      const auto x = (__m512bh)_mm512_set1_epi32(static_cast<int>(a[i * row]));
      sum[i][0] = _mm512_dpbf16_ps(sum[i][0], x, b0);
      sum[i][1] = _mm512_dpbf16_ps(sum[i][1], x, b1);
    }
  }
  for (int i = 0; i < R; ++i) {
    for (int j = 0; j < 2; ++j) {
      float* to = c + i * c_row + 16 * j;
      const __m512 before =
          add ? _mm512_maskz_loadu_ps(mask[j], to) : _mm512_setzero_ps();
      _mm512_mask_storeu_ps(to, mask[j], _mm512_add_ps(sum[i][j], before));
    }
  }
}

/** All rows of a block by tiles. */
LLM_BF16 void tiles(
    const uint32_t* a,
    int64_t row,
    int64_t column,
    const uint32_t* panel,
    float* c,
    int64_t c_row,
    int64_t M,
    int64_t pairs,
    int64_t n,
    bool add) {
  int64_t i = 0;
  for (; i + kTile <= M; i += kTile) {
    tile<kTile>(
        a + i * row, row, column, panel, c + i * c_row, c_row, pairs, n, add);
  }
  for (; i + 4 <= M; i += 4) {
    tile<4>(
        a + i * row, row, column, panel, c + i * c_row, c_row, pairs, n, add);
  }
  for (; i < M; ++i) {
    tile<1>(
        a + i * row, row, column, panel, c + i * c_row, c_row, pairs, n, add);
  }
}

/** Rows [begin, end) of c. */
LLM_BF16 void multiply_rows(
    const Tensor& a,
    const uint32_t* panels,
    const Tensor& c,
    int64_t begin,
    int64_t end) {
  const int64_t K = a.dim(1), N = c.dim(1), M = end - begin;
  const int64_t all_pairs = (K + 1) / 2;
  const bool turned = a.stride(1) != 1;
  const int64_t room = (M + 15) / 16 * 16;
  thread_local std::vector<uint32_t> words;
  words.resize(std::max<size_t>(words.size(), room * kPairs));
  for (int64_t p = 0; p < all_pairs; p += kPairs) {
    const int64_t pairs = std::min(kPairs, all_pairs - p);
    const int64_t k = 2 * p, depth = std::min(K - k, 2 * pairs);
    const float* from = a.data + begin * a.stride(0) + k * a.stride(1);
    if (turned) {
      const auto row_of = [&](int64_t i) { return from + i * a.stride(1); };
      pack_rows(row_of, depth, M, words.data(), room);
    } else {
      for (int64_t i = 0; i < M; ++i) {
        pair_up(from + i * a.stride(0), depth, words.data() + i * kPairs);
      }
    }
    for (int64_t n = 0; n < N; n += kWide) {
      tiles(
          words.data(),
          turned ? 1 : kPairs,
          turned ? room : 1,
          panels + n * all_pairs + p * kWide,
          c.data + begin * N + n,
          N,
          M,
          pairs,
          std::min(kWide, N - n),
          p > 0);
    }
  }
}

} // namespace

bool has_bf16_dot() {
  // Intel's cores multiply as many numbers a cycle in float32 (EXPERIMENTS.md).
  static const bool has = simd_limit() == Simd::all &&
      __builtin_cpu_is("amd") && __builtin_cpu_supports("avx512bf16") &&
      __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  return has;
}

void multiply_bf16(const Tensor& a, const Tensor& b, const Tensor& c) {
  const int64_t M = a.dim(0), K = a.dim(1), N = b.dim(1);
  const int64_t panels = (N + kWide - 1) / kWide, pairs = (K + 1) / 2;
  thread_local std::vector<uint32_t> memory; // of the stream's thread
  memory.resize(std::max<size_t>(memory.size(), panels * kWide * pairs));
  uint32_t* packed = memory.data();
  parallel_for(panels, [&](int64_t i) {
    pack_panel(
        b.data + i * kWide * b.stride(1),
        b.stride(0),
        b.stride(1),
        K,
        std::min(kWide, N - i * kWide),
        packed + i * kWide * pairs);
  });
  // Enough tasks for the threads, whole tiles of rows.
  constexpr int64_t kTasks = 16;
  const int64_t rows =
      std::min(kRows, (M + kTasks * kTile - 1) / (kTasks * kTile) * kTile);
  parallel_for((M + rows - 1) / rows, [&](int64_t i) {
    multiply_rows(a, packed, c, i * rows, std::min(M, (i + 1) * rows));
  });
}

} // namespace llm::kernels

#else

namespace llm::kernels {

bool has_bf16_dot() {
  return false;
}

void multiply_bf16(const Tensor&, const Tensor&, const Tensor&) {}

} // namespace llm::kernels

#endif
