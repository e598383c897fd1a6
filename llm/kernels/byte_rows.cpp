// SPDX-License-Identifier: MIT
//
// For a few rows x: each row of w is read once, and multiplied with all x.

#include "llm/kernels/byte_rows.h"

#include <algorithm>

#include "llm/core/gguf_types.h"

#ifdef __x86_64__

#include <bit>
#include <cmath>
#include <limits>

#include "llm/kernels/byte_blocks.h"
#include "llm/kernels/simd_limit.h"
#include "llm/kernels/thread_pool.h"

namespace llm::kernels {

namespace {

/** A number of so many bytes that are at most 127 each, also when it is rounded
 * up. */
template <int Bytes>
constexpr float largest() {
  return Bytes == 1 ? 127 : Bytes == 2 ? 127 * 257 : 127 * 65536;
}

/** Asks for bytes of memory before they are needed: while rows are read one at
 * a time, or four. */
template <int Rows>
LLM_VNNI inline void fetch(const void* p) {
  constexpr int64_t kAhead = Rows == 1 ? 2048 : 4096;
  _mm_prefetch(static_cast<const char*>(p) + kAhead, _MM_HINT_T0);
}

/** One row of x: its blocks, then the sum of x over each group. In floats. */
template <int Bits, int Bytes>
int64_t floats_in_row(int64_t K, int64_t groups) {
  const int64_t blocks = (K + block_of(Bits) - 1) / block_of(Bits);
  const int64_t all = blocks * int64_t(sizeof(Block<Bits, Bytes>) / 4) + groups;
  return (all + 15) / 16 * 16;
}

/** The largest of n values, a multiple of 16, without its sign. Not a number if
 * one of them is not finite, and so is every product then. */
LLM_VNNI float most_of(const float* x, int64_t n) {
  __m512i most = _mm512_setzero_si512(); // finite < infinite < no number
  for (int64_t i = 0; i < n; i += 16) {
    const __m512 v = _mm512_abs_ps(_mm512_loadu_ps(x + i));
    most = _mm512_max_epi32(most, _mm512_castps_si512(v));
  }
  const float value = std::bit_cast<float>(_mm512_reduce_max_epi32(most));
  return std::isfinite(value) ? value : std::numeric_limits<float>::quiet_NaN();
}

/** 32 bytes: for 4 bits those of even places first. */
template <int Bits>
LLM_VNNI __m256i in_order(__m128i low, __m128i high) {
  const __m256i bytes =
      _mm256_inserti128_si256(_mm256_castsi128_si256(low), high, 1);
  if constexpr (Bits == 8) {
    return bytes;
  }
  const __m256i apart = _mm256_broadcastsi128_si256(
      _mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15));
  return _mm256_permute4x64_epi64(
      _mm256_shuffle_epi8(bytes, apart), 0xd8); // 0, 2, 1, 3
}

/** Bytes of 32 values into their places, of one kind of byte. */
template <int Bits>
LLM_VNNI void put(__m256i bytes, int8_t (*vectors)[64], int64_t at) {
  if constexpr (Bits == 8) {
    _mm256_storeu_si256((__m256i*)(vectors[0] + at), bytes);
  } else {
    _mm_storeu_si128(
        (__m128i*)(vectors[0] + at / 2), _mm256_castsi256_si128(bytes));
    _mm_storeu_si128(
        (__m128i*)(vectors[1] + at / 2), _mm256_extracti128_si256(bytes, 1));
  }
}

/** 32 values in bytes, to place `at` of their block; their sum is added. */
template <int Bits, int Bytes>
LLM_VNNI void make_some(
    const float* x,
    float inverse,
    Block<Bits, Bytes>& to,
    int64_t at,
    __m512i& sum) {
  __m128i bytes[Bytes][2];
  for (int i = 0; i < 2; ++i) {
    __m512i value = _mm512_cvtps_epi32(
        _mm512_mul_ps(_mm512_loadu_ps(x + 16 * i), _mm512_set1_ps(inverse)));
    sum = _mm512_add_epi32(sum, value);
    for (int b = Bytes - 1; b >= 0; --b) { // each between -128 and 127
      bytes[b][i] = _mm512_cvtepi32_epi8(value);
      const __m512i low = _mm512_cvtepi8_epi32(bytes[b][i]);
      value = _mm512_srai_epi32(_mm512_sub_epi32(value, low), 8);
    }
  }
  for (int b = 0; b < Bytes; ++b) {
    put<Bits>(in_order<Bits>(bytes[b][0], bytes[b][1]), to.bytes[b], at);
  }
}

template <int Bits, int Bytes>
LLM_VNNI void make_row(const float* x, int64_t K, int64_t groups, float* out) {
  constexpr int64_t kBlock = block_of(Bits);
  const int64_t size = K / groups, blocks = (K + kBlock - 1) / kBlock;
  auto* to = reinterpret_cast<Block<Bits, Bytes>*>(out);
  auto* sums = reinterpret_cast<float*>(to + blocks);
  to[blocks - 1] = {}; // beyond K
  for (int64_t g = 0; g < groups; ++g) {
    const float step = most_of(x + g * size, size) / largest<Bytes>();
    const float inverse =
        step >= std::numeric_limits<float>::min() ? 1 / step : 0;
    __m512i sum = _mm512_setzero_si512();
    for (int64_t k = g * size; k < (g + 1) * size; k += 32) {
      Block<Bits, Bytes>& block = to[k / kBlock];
      make_some(x + k, inverse, block, k % kBlock, sum);
      const int64_t first = k % kBlock * 16 / kBlock;
      std::fill_n(block.scales + first, 32 * 16 / kBlock, step);
    }
    sums[g] = static_cast<float>(_mm512_reduce_add_epi32(sum)) * step;
  }
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

/** Scales or biases of a row, float or uint16_t (float16), as they lie. */
LLM_VNNI inline __m128 load_four(const float* p, __mmask8 some) {
  return _mm_maskz_loadu_ps(some, p);
}
LLM_VNNI inline __m128 load_four(const uint16_t* p, __mmask8 some) {
  return _mm_maskz_cvtph_ps(some, _mm_maskz_loadu_epi16(some, p));
}
LLM_VNNI inline __m512 load_sixteen(const float* p, __mmask16 some) {
  return _mm512_maskz_loadu_ps(some, p);
}
LLM_VNNI inline __m512 load_sixteen(const uint16_t* p, __mmask16 some) {
  return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(some, p));
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
  for (int64_t n = begin; n < end; ++n, y += x.M) {
    __m512 sum[4];
    int64_t m = 0;
    for (; m + 4 <= x.M; m += 4) {
      rows_times<1, 4, Number>(w, n, groups, From(x, m), sum);
      _mm_storeu_ps(y + m, sums_of_four(sum[0], sum[1], sum[2], sum[3]));
    }
    for (; m < x.M; ++m) {
      rows_times<1, 1, Number>(w, n, groups, From(x, m), sum);
      _mm_store_ss(y + m, sums_of_four(sum[0], sum[0], sum[0], sum[0]));
    }
  }
}

template <int Bits, int Bytes>
ReadyRows
make(const float* x, int64_t stride, int64_t M, int64_t K, int64_t groups) {
  ReadyRows out;
  out.stride = floats_in_row<Bits, Bytes>(K, groups);
  out.M = M;
  out.K = K;
  out.bytes = Bytes;
  out.memory = std::make_unique_for_overwrite<float[]>(M * out.stride + 15);
  const auto at = reinterpret_cast<uintptr_t>(out.memory.get()) % 64 / 4;
  float* to = out.memory.get() + (16 - at) % 16; // a multiple of 64 bytes
  out.x = to;
  constexpr int64_t kRows = 16; // for a task
  parallel_for((M + kRows - 1) / kRows, [&](int64_t task) {
    for (int64_t m = task * kRows; m < std::min(M, (task + 1) * kRows); ++m) {
      make_row<Bits, Bytes>(x + m * stride, K, groups, to + m * out.stride);
    }
  });
  return out;
}

LLM_VNNI void widen(const uint16_t* from, int64_t n, float* to) {
  for (int64_t i = 0; i < n; i += 16) {
    const auto some =
        static_cast<__mmask16>(n - i >= 16 ? 0xffff : (1 << (n - i)) - 1);
    _mm512_mask_storeu_ps(to + i, some, load_sixteen(from + i, some));
  }
}

} // namespace

bool has_byte_dot() {
  static const bool has = simd_limit() == Simd::all &&
      __builtin_cpu_supports("avx512vnni") &&
      __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  return has;
}

void halves_to_floats(const uint16_t* from, int64_t n, float* to) {
  if (has_byte_dot()) {
    return widen(from, n, to);
  }
  std::transform(from, from + n, to, half_to_float);
}

ReadyRows make_bytes(
    const float* x,
    int64_t stride,
    int64_t M,
    int64_t K,
    const MatrixRows& w,
    int bytes) {
  return with_format(w.bits, bytes, [&]<int Bits, int Bytes>() {
    return make<Bits, Bytes>(x, stride, M, K, w.groups);
  });
}

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

bool has_byte_dot() {
  return false;
}

void halves_to_floats(const uint16_t* from, int64_t n, float* to) {
  std::transform(from, from + n, to, half_to_float);
}

ReadyRows
make_bytes(const float*, int64_t, int64_t, int64_t, const MatrixRows&, int) {
  return {};
}

void byte_products(
    const MatrixRows&,
    int64_t,
    int64_t,
    const ReadyRows&,
    float*) {}

} // namespace llm::kernels

#endif
