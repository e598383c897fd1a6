// SPDX-License-Identifier: MIT
//
// As matmul.cpp, with pairs: a 32-bit word holds rows k and k + 1 of a column
// as two bfloat16, and vdpbf16ps adds both products of 16 words to 16 sums.
// Written with intrinsics, since Highway 1.0 does not know the instruction.

#include "llm/kernels/matmul_bf16.h"

#include "llm/kernels/pack_bf16.h"
#include "llm/kernels/product_tasks.h"
#include "llm/kernels/simd_limit.h"
#include "llm/kernels/thread_pool.h"

#ifdef __x86_64__

#include <algorithm>
#include <cstdint>
#include <vector>

#include "llm/kernels/x86.h"

namespace llm::kernels {

namespace {

constexpr int64_t kWide = kBf16Panel;
constexpr int64_t kPairs = 128; // of K at a time: a panel stays in L1
constexpr int64_t kRows = 96;   // of A at a time
constexpr int kTile = 12;

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

/** c [M, n] = (add ? c : 0) + a times panels, each kWide * panel_size words. */
LLM_BF16 void multiply_panels(
    const uint32_t* a,
    int64_t row,
    int64_t column,
    const uint32_t* panels,
    int64_t panel_pairs,
    float* c,
    int64_t c_row,
    int64_t M,
    int64_t pairs,
    int64_t N,
    bool add) {
  for (int64_t n = 0; n < N; n += kWide) {
    tiles(
        a,
        row,
        column,
        panels + n * panel_pairs,
        c + n,
        c_row,
        M,
        pairs,
        std::min(kWide, N - n),
        add);
  }
}

/** c [M, N] = a times panels, a in rows of float32 or, turned, in pairs
 * [pairs, stride]. */
LLM_BF16 void multiply_rows(
    const float* a,
    int64_t a_row,
    const uint32_t* turned,
    int64_t stride,
    const uint32_t* panels,
    float* c,
    int64_t c_row,
    int64_t M,
    int64_t K,
    int64_t N) {
  const int64_t all = (K + 1) / 2;
  thread_local std::vector<uint32_t> words;
  words.resize(kRows * kPairs);
  for (int64_t p = 0; p < all; p += kPairs) {
    const int64_t pairs = std::min(kPairs, all - p);
    const uint32_t* part = panels + p * kWide;
    if (turned != nullptr) {
      multiply_panels(
          turned + p * stride,
          1,
          stride,
          part,
          all,
          c,
          c_row,
          M,
          pairs,
          N,
          p > 0);
      continue;
    }
    for (int64_t i = 0; i < M; ++i) {
      const int64_t depth = std::min(K - 2 * p, 2 * pairs);
      pair_up_bf16(a + i * a_row + 2 * p, depth, words.data() + i * kPairs);
    }
    multiply_panels(
        words.data(), kPairs, 1, part, all, c, c_row, M, pairs, N, p > 0);
  }
}

/** Memory of the stream's thread, kept. */
uint32_t* at_least(std::vector<uint32_t>& memory, int64_t size) {
  memory.resize(std::max<size_t>(memory.size(), size));
  return memory.data();
}

} // namespace

bool has_bf16_dot() {
  static const bool has = simd_limit() == Simd::all &&
      __builtin_cpu_supports("avx512bf16") &&
      __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  return has;
}

bool bf16_dot_pays() {
  return has_bf16_dot() && __builtin_cpu_is("amd");
}

void multiply_bf16(const Tensor& a, const Tensor& b, const Tensor& c) {
  const int64_t M = a.dim(0), K = a.dim(1), N = b.dim(1), pairs = (K + 1) / 2;
  const int64_t panels = divided(N, kWide);
  thread_local std::vector<uint32_t> of_a, of_b;
  uint32_t* packed = at_least(of_b, panels * kWide * pairs);
  pack_panels_bf16(b, packed);
  const ProductTask task(M, panels);
  const int64_t rows = task.rows, width = task.panels_each * kWide;
  const int64_t across = divided(N, width);
  uint32_t* words = nullptr;
  if (a.stride(1) != 1) { // turned
    words = at_least(of_a, divided(M, rows) * rows * pairs);
    pack_strips_bf16(a.data, a.stride(1), K, M, rows, words);
  }
  parallel_for(divided(M, rows) * across, [&](int64_t i) {
    const int64_t row = i / across * rows, column = i % across * width;
    multiply_rows(
        a.data + row * a.stride(0),
        a.stride(0),
        words ? words + row * pairs : nullptr,
        rows,
        packed + column * pairs,
        c.data + row * N + column,
        N,
        std::min(rows, M - row),
        K,
        std::min(width, N - column));
  });
}

} // namespace llm::kernels

#else

namespace llm::kernels {

bool has_bf16_dot() {
  return false;
}

bool bf16_dot_pays() {
  return false;
}

void multiply_bf16(const Tensor&, const Tensor&, const Tensor&) {}

} // namespace llm::kernels

#endif
