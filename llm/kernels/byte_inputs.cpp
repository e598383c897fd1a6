// SPDX-License-Identifier: MIT
//
// Rows x in bytes, and halves as floats: what the products in whole numbers
// (byte_rows.cpp, byte_matmul.cpp) begin with.

#include <algorithm>

#include "llm/core/gguf_types.h"
#include "llm/kernels/byte_rows.h"

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

} // namespace llm::kernels

#endif
