// SPDX-License-Identifier: MIT
//
// What the two products in whole numbers share (byte_rows.cpp, byte_matmul.cpp)
// on x86. A row of bytes is read 64 bytes at a time, a block: 128 numbers of 4
// bits or 64 of 8 bits. Written with intrinsics, since Highway 1.0 does not
// know the instruction.

#pragma once

#include <cstdint>

#include "llm/kernels/rows.h"

// GCC 12 takes the undefined registers of its own header for a mistake.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

// What a function may use; has_byte_dot() asks the processor.
#define LLM_VNNI \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))

namespace llm::kernels {

/** Numbers in a block of 64 bytes. */
constexpr int64_t block_of(int bits) {
  return 512 / bits;
}

/** A block of x: upper and lower bytes (of 4 bits: those of even places, then
 * those of odd ones, because a byte of w holds two neighbours) and the scale of
 * x's group for each of the 16 sums that are made of a block. */
template <int Bits>
struct alignas(64) Block {
  static constexpr int kVectors = 8 / Bits;
  int8_t upper[kVectors][64], lower[kVectors][64];
  float scales[16];
};

/** Rows of x ready for a matrix. */
template <int Bits>
class Inputs {
 public:
  /** From row m on. */
  Inputs(const ReadyRows& x, int64_t m)
      : data_(x.x + m * x.stride),
        stride_(x.stride),
        blocks_((x.K + block_of(Bits) - 1) / block_of(Bits)) {}
  const Block<Bits>& block(int m, int64_t i) const {
    return reinterpret_cast<const Block<Bits>*>(data_ + m * stride_)[i];
  }
  const float* sums(int m) const {
    return reinterpret_cast<const float*>(&block(m, blocks_));
  }

 private:
  const float* data_;
  int64_t stride_, blocks_;
};

/** 16 sums in steps of x from those of its bytes. */
LLM_VNNI inline __m512 in_steps(__m512i upper, __m512i lower) {
  return _mm512_cvtepi32_ps(
      _mm512_add_epi32(_mm512_slli_epi32(upper, 8), lower));
}

} // namespace llm::kernels
