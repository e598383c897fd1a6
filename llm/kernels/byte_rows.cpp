// SPDX-License-Identifier: MIT
//
// For a few rows x: each row of w is read once, and multiplied with all x.

#include "llm/kernels/byte_rows.h"

#ifdef __x86_64__

#include <algorithm>
#include <bit>

#include "llm/kernels/byte_blocks.h"

namespace llm::kernels {

namespace {

/** Asks for bytes of memory before they are needed: while rows are read one at
 * a time, or four. */
template <int Rows>
LLM_VNNI inline void fetch(const void* p) {
  constexpr int64_t kAhead = Rows == 1 ? 2048 : 4096;
  _mm_prefetch(static_cast<const char*>(p) + kAhead, _MM_HINT_T0);
}

/** How the groups of a matrix lie in its blocks. */
template <int Bits>
struct Groups {
  static constexpr int64_t kBlock = block_of(Bits);

  explicit Groups(const MatrixRows& w) : count(w.groups) {
    const int64_t size = w.words_in_row * 32 / Bits / count;
    shift = std::countr_zero(static_cast<uint64_t>(size));
    some = static_cast<int>(std::max<int64_t>(1, kBlock / size));
  }

  /** The first group of a block. */
  int64_t first(int64_t block) const {
    return (block * kBlock) >> shift;
  }

  /** For each of a block's 16 sums its group, counted from the first. */
  LLM_VNNI __m512i index() const {
    const __m512i lane =
        _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i value =
        _mm512_mullo_epi32(lane, _mm512_set1_epi32(kBlock / 16));
    return _mm512_srl_epi32(value, _mm_cvtsi32_si128(shift));
  }

  int64_t count;
  int shift; ///< log2 of the values in a group
  int some;  ///< groups in a block
};

/** 16 sums of a block of w and a block of x. */
template <int Bits, int Bytes>
LLM_VNNI __m512 sums_of(__m512i numbers, const Block<Bits, Bytes>& x) {
  __m512i q[2] = {numbers, numbers};
  if constexpr (Bits == 4) {
    const __m512i nibble = _mm512_set1_epi8(15);
    q[0] = _mm512_and_si512(numbers, nibble);
    q[1] = _mm512_and_si512(_mm512_srli_epi16(numbers, 4), nibble);
  }
  __m512i sums[Bytes];
  for (int b = 0; b < Bytes; ++b) {
    sums[b] = _mm512_setzero_si512();
    for (int v = 0; v < x.kVectors; ++v) {
      sums[b] =
          _mm512_dpbusd_epi32(sums[b], q[v], _mm512_load_si512(x.bytes[b][v]));
    }
  }
  return _mm512_mul_ps(in_steps<Bytes>(sums), _mm512_load_ps(x.scales));
}

/** {sum of a, of b, of c, of d}. */
LLM_VNNI __m128 sums_of_four(__m512 a, __m512 b, __m512 c, __m512 d) {
  const __m512 ab =
      _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  const __m512 cd =
      _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
  const __m512 all = _mm512_add_ps(
      _mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
  const __m256 half = _mm256_add_ps(
      _mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
  return _mm_add_ps(
      _mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
}

/** sum[i R + m] = 16 parts of row n + i of w times x_m, for N rows and R of the
 * x: rows at a time share what is read of x. A sum has the same bits whatever N
 * and R are. */
template <int N, int R, class Number, int Bits, int Bytes>
LLM_VNNI void rows_times(
    const MatrixRows& w,
    int64_t n,
    const Groups<Bits>& groups,
    const Inputs<Bits, Bytes>& x,
    __m512* out) {
  const int64_t bytes_in_row = w.words_in_row * 4, whole = bytes_in_row / 64;
  const auto* p = reinterpret_cast<const uint8_t*>(w.words) + n * bytes_in_row;
  const auto* scales = static_cast<const Number*>(w.scales) + n * w.groups;
  const auto* biases = static_cast<const Number*>(w.biases) + n * w.groups;
  const __m512i index = groups.index();
  __m512 sum[N][R];
  for (auto& row : sum) {
    for (__m512& s : row) {
      s = _mm512_setzero_ps();
    }
  }
  const auto add = [&](int64_t block, __mmask64 bytes, __mmask8 some) LLM_VNNI {
    for (int i = 0; i < N; ++i) {
      const auto* at = scales + i * w.groups + groups.first(block);
      const __m512 scale = _mm512_permutexvar_ps(
          index, _mm512_castps128_ps512(load_four(at, some)));
      const uint8_t* from = p + i * bytes_in_row + block * 64;
      fetch<N>(from);
      const __m512i numbers = _mm512_maskz_loadu_epi8(bytes, from);
      for (int m = 0; m < R; ++m) {
        sum[i][m] = _mm512_fmadd_ps(
            sums_of(numbers, x.block(m, block)), scale, sum[i][m]);
      }
    }
  };
  for (int64_t i = 0; i < whole; ++i) {
    add(i, ~__mmask64{0}, static_cast<__mmask8>((1 << groups.some) - 1));
  }
  if (const int64_t left = bytes_in_row % 64; left > 0) {
    const int64_t some = w.groups - groups.first(whole);
    add(whole,
        (__mmask64{1} << left) - 1,
        static_cast<__mmask8>((1 << some) - 1));
  }
  for (int64_t g = 0; g < w.groups; g += 16) {
    const auto some = static_cast<__mmask16>(
        w.groups - g >= 16 ? 0xffff : (1 << (w.groups - g)) - 1);
    for (int i = 0; i < N; ++i) {
      const int64_t at = i * w.groups + g;
      fetch<N>(scales + at);
      fetch<N>(biases + at);
      const __m512 bias = load_sixteen(biases + at, some);
      for (int m = 0; m < R; ++m) {
        sum[i][m] = _mm512_fmadd_ps(
            bias, _mm512_maskz_loadu_ps(some, x.sums(m) + g), sum[i][m]);
      }
    }
  }
  for (int i = 0; i < N; ++i) {
    std::copy_n(sum[i], R, out + i * R);
  }
}

/** Short rows four at a time; long ones, of which memory brings four side by
 * side less fast, one at a time. */
template <class Number, int Bits, int Bytes>
LLM_VNNI void products_of_one(
    const MatrixRows& w,
    int64_t begin,
    int64_t end,
    const Inputs<Bits, Bytes>& x,
    float* y) {
  constexpr int64_t kShort = 512; // bytes, measured
  const Groups<Bits> groups(w);
  const bool is_short = w.words_in_row * 4 <= kShort;
  __m512 sum[4];
  int64_t n = begin;
  for (; n + 4 <= end; n += 4, y += 4) {
    if (is_short) {
      rows_times<4, 1, Number>(w, n, groups, x, sum);
    } else {
      for (int i = 0; i < 4; ++i) {
        rows_times<1, 1, Number>(w, n + i, groups, x, sum + i);
      }
    }
    _mm_storeu_ps(y, sums_of_four(sum[0], sum[1], sum[2], sum[3]));
  }
  for (; n < end; ++n, ++y) {
    rows_times<1, 1, Number>(w, n, groups, x, sum);
    _mm_store_ss(y, sums_of_four(sum[0], sum[0], sum[0], sum[0]));
  }
}

template <class Number, int Bits, int Bytes>
LLM_VNNI void products_of(
    const MatrixRows& w,
    int64_t begin,
    int64_t end,
    const ReadyRows& x,
    float* y) {
  using From = Inputs<Bits, Bytes>;
  if (x.M == 1) {
    return products_of_one<Number>(w, begin, end, From(x, 0), y);
  }
  const Groups<Bits> groups(w);
  const auto rows = [&]<int N>(int64_t n, float* to) LLM_VNNI {
    __m512 sum[N * 4];
    int64_t m = 0;
    for (; m + 4 <= x.M; m += 4) {
      rows_times<N, 4, Number>(w, n, groups, From(x, m), sum);
      for (int i = 0; i < N; ++i) {
        const __m512* s = sum + 4 * i;
        _mm_storeu_ps(to + i * x.M + m, sums_of_four(s[0], s[1], s[2], s[3]));
      }
    }
    for (; m < x.M; ++m) {
      rows_times<N, 1, Number>(w, n, groups, From(x, m), sum);
      for (int i = 0; i < N; ++i) {
        _mm_store_ss(
            to + i * x.M + m, sums_of_four(sum[i], sum[i], sum[i], sum[i]));
      }
    }
  };
  int64_t n = begin;
  for (; n + 2 <= end; n += 2, y += 2 * x.M) { // two share what is read of x
    rows.template operator()<2>(n, y);
  }
  if (n < end) {
    rows.template operator()<1>(n, y);
  }
}

} // namespace

void byte_products(
    const MatrixRows& w,
    int64_t begin,
    int64_t end,
    const ReadyRows& x,
    float* y) {
  with_format(w.bits, x.bytes, [&]<int Bits, int Bytes>() {
    if (w.halves) {
      products_of<uint16_t, Bits, Bytes>(w, begin, end, x, y);
    } else {
      products_of<float, Bits, Bytes>(w, begin, end, x, y);
    }
  });
}

} // namespace llm::kernels

#else

namespace llm::kernels {

void byte_products(
    const MatrixRows&,
    int64_t,
    int64_t,
    const ReadyRows&,
    float*) {}

} // namespace llm::kernels

#endif
