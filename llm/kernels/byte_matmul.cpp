// SPDX-License-Identifier: MIT
//
// For many rows x, as in reading a prompt: 32 rows of w are put side by side,
// still packed, so that a vector of words belongs to 16 of them, and each word
// of x is multiplied with all.

#include "llm/kernels/byte_rows.h"

#ifdef __x86_64__

#include <algorithm>
#include <cstring>
#include <vector>

#include "llm/kernels/byte_blocks.h"
#include "llm/kernels/thread_pool.h"

namespace llm::kernels {

namespace {

constexpr int64_t kWide = 32; // rows of w in a panel: two vectors

/** Rows of x at a time: as many as there are registers for. */
constexpr int tile_of(int bytes) {
  return bytes == 3 ? 3 : bytes == 2 ? 4 : 6;
}

/** 32 rows of w, side by side. */
struct Panel {
  std::vector<uint32_t> words;       // [words in a row, kWide]
  std::vector<float> scales, biases; // [groups, kWide]
};

/** Transposes 16 words of each of `rows` <= 16 rows; what is absent is 0. */
LLM_VNNI void transpose_words(
    const uint32_t* from,
    int64_t stride,
    int64_t rows,
    int64_t words,
    uint32_t* to) {
  const auto some = static_cast<__mmask16>((1u << words) - 1);
  __m512i a[16], b[16];
  for (int64_t i = 0; i < 16; ++i) {
    a[i] = i < rows ? _mm512_maskz_loadu_epi32(some, from + i * stride)
                    : _mm512_setzero_si512();
  }
  for (int i = 0; i < 16; i += 2) {
    b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
    a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
    a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
    a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
  }
  for (int i = 0; i < 4; ++i) { // a[4 j + i]: quarters of words i, i + 4, ...
    b[i] = _mm512_shuffle_i32x4(a[i], a[4 + i], 0x88);
    b[4 + i] = _mm512_shuffle_i32x4(a[i], a[4 + i], 0xdd);
    b[8 + i] = _mm512_shuffle_i32x4(a[8 + i], a[12 + i], 0x88);
    b[12 + i] = _mm512_shuffle_i32x4(a[8 + i], a[12 + i], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    a[i] = _mm512_shuffle_i32x4(b[i], b[8 + i], 0x88);
    a[8 + i] = _mm512_shuffle_i32x4(b[i], b[8 + i], 0xdd);
    a[4 + i] = _mm512_shuffle_i32x4(b[4 + i], b[12 + i], 0x88);
    a[12 + i] = _mm512_shuffle_i32x4(b[4 + i], b[12 + i], 0xdd);
  }
  for (int64_t i = 0; i < words; ++i) {
    _mm512_storeu_si512(to + i * kWide, a[i]);
  }
}

/** Rows [n, n + rows) of w, rows <= kWide. */
void make_panel(const MatrixRows& w, int64_t n, int64_t rows, Panel& out) {
  const int64_t words = w.words_in_row, groups = w.groups;
  out.words.resize(words * kWide);
  out.scales.assign(groups * kWide, 0.0f);
  out.biases.assign(groups * kWide, 0.0f);
  for (int64_t half = 0; half < kWide; half += 16) {
    const int64_t some = std::clamp<int64_t>(rows - half, 0, 16);
    for (int64_t k = 0; k < words; k += 16) {
      transpose_words(
          w.words + (n + half) * words + k,
          words,
          some,
          std::min<int64_t>(16, words - k),
          out.words.data() + k * kWide + half);
    }
  }
  const GroupNumbers numbers(w, n, rows);
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t g = 0; g < groups; ++g) {
      out.scales[g * kWide + i] = numbers.scales[i * groups + g];
      out.biases[g * kWide + i] = numbers.biases[i * groups + g];
    }
  }
}

/** Sums of four products of bytes: of R rows x and two vectors of rows of w. */
template <int R, int Bytes>
struct Sums {
  __m512i of[R][2][Bytes];

  LLM_VNNI void clear() {
    for (auto& row : of) {
      for (auto& vector : row) {
        for (__m512i& sum : vector) {
          sum = _mm512_setzero_si512();
        }
      }
    }
  }

  /** Adds bytes q of w times four bytes of each row of x. */
  template <int Bits>
  LLM_VNNI void add(
      const __m512i (&q)[2],
      const Inputs<Bits, Bytes>& x,
      int64_t block,
      int vector,
      int64_t at) {
    for (int m = 0; m < R; ++m) {
      const Block<Bits, Bytes>& from = x.block(m, block);
      for (int b = 0; b < Bytes; ++b) {
        int32_t bytes;
        std::memcpy(&bytes, from.bytes[b][vector] + at, 4);
        const __m512i four = _mm512_set1_epi32(bytes);
        for (int v = 0; v < 2; ++v) {
          of[m][v][b] = _mm512_dpbusd_epi32(of[m][v][b], q[v], four);
        }
      }
    }
  }
};

/** The sums of group g, which has `words` words in a row. */
template <int R, int Bits, int Bytes>
LLM_VNNI void sum_group(
    const Panel& w,
    const Inputs<Bits, Bytes>& x,
    int64_t g,
    int64_t words,
    Sums<R, Bytes>& sums) {
  const __m512i nibble = _mm512_set1_epi8(15);
  const uint32_t* p = w.words.data() + g * words * kWide;
  sums.clear();
  for (int64_t i = g * words; i < (g + 1) * words; ++i, p += kWide) {
    __m512i q[2] = {_mm512_loadu_si512(p), _mm512_loadu_si512(p + 16)};
    const int64_t block = i / 16, at = i % 16 * 4;
    if constexpr (Bits == 8) {
      sums.template add<Bits>(q, x, block, 0, at);
    } else {
      const __m512i low[2] = {
          _mm512_and_si512(q[0], nibble), _mm512_and_si512(q[1], nibble)};
      sums.template add<Bits>(low, x, block, 0, at);
      for (__m512i& v : q) {
        v = _mm512_and_si512(_mm512_srli_epi16(v, 4), nibble);
      }
      sums.template add<Bits>(q, x, block, 1, at);
    }
  }
}

/** out [R, n <= kWide] = R rows of x times the rows of a panel. */
template <int R, int Bits, int Bytes>
LLM_VNNI void tile(
    const Panel& w,
    const Inputs<Bits, Bytes>& x,
    int64_t groups,
    float* out,
    int64_t stride,
    int64_t n) {
  const int64_t words = static_cast<int64_t>(w.words.size()) / kWide / groups;
  __m512 y[R][2];
  for (auto& row : y) {
    row[0] = row[1] = _mm512_setzero_ps();
  }
  for (int64_t g = 0; g < groups; ++g) {
    Sums<R, Bytes> sums;
    sum_group(w, x, g, words, sums);
    const int64_t first = g * words; // its scale stands with its first word
    for (int v = 0; v < 2; ++v) {
      const __m512 scale = _mm512_loadu_ps(&w.scales[g * kWide + 16 * v]);
      const __m512 bias = _mm512_loadu_ps(&w.biases[g * kWide + 16 * v]);
      for (int m = 0; m < R; ++m) {
        const __m512 step =
            _mm512_set1_ps(x.block(m, first / 16).scales[first % 16]);
        const __m512 sum = in_steps<Bytes>(sums.of[m][v]);
        y[m][v] = _mm512_fmadd_ps(sum, _mm512_mul_ps(scale, step), y[m][v]);
        y[m][v] = _mm512_fmadd_ps(bias, _mm512_set1_ps(x.sums(m)[g]), y[m][v]);
      }
    }
  }
  const auto some = static_cast<uint32_t>((uint64_t{1} << n) - 1);
  for (int m = 0; m < R; ++m) {
    float* to = out + m * stride;
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>(some), y[m][0]);
    _mm512_mask_storeu_ps(to + 16, static_cast<__mmask16>(some >> 16), y[m][1]);
  }
}

template <int Bits, int Bytes>
void multiply(const MatrixRows& w, int64_t N, const ReadyRows& x, float* out) {
  constexpr int kTile = tile_of(Bytes);
  parallel_for((N + kWide - 1) / kWide, [&](int64_t task) {
    thread_local Panel panel;
    const int64_t n = task * kWide, some = std::min(kWide, N - n);
    make_panel(w, n, some, panel);
    const auto rows = [&]<int R>(int64_t m) {
      const Inputs<Bits, Bytes> from(x, m);
      tile<R>(panel, from, w.groups, out + m * N + n, N, some);
    };
    int64_t m = 0;
    for (; m + kTile <= x.M; m += kTile) {
      rows.template operator()<kTile>(m);
    }
    for (; m < x.M; ++m) {
      rows.template operator()<1>(m);
    }
  });
}

} // namespace

void byte_matmul(
    const MatrixRows& w,
    int64_t N,
    const ReadyRows& x,
    float* out) {
  with_format(w.bits, x.bytes, [&]<int Bits, int Bytes>() {
    multiply<Bits, Bytes>(w, N, x, out);
  });
}

} // namespace llm::kernels

#else

namespace llm::kernels {

void byte_matmul(const MatrixRows&, int64_t, const ReadyRows&, float*) {}

} // namespace llm::kernels

#endif
