// SPDX-License-Identifier: MIT
//
// What the two products in whole numbers share (byte_rows.cpp, byte_matmul.cpp)
// on x86. A row of bytes is read 64 bytes at a time, a block: 128 numbers of 4
// bits or 64 of 8 bits. Written with intrinsics, since Highway 1.0 does not
// know the instruction.

#pragma once

#include <cstdint>

#include "llm/kernels/rows.h"
#include "llm/kernels/x86.h"

// What a function may use; has_byte_dot() asks the processor.
#define LLM_VNNI \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni")))

namespace llm::kernels {

/** Numbers in a block of 64 bytes. */
constexpr int64_t block_of(int bits) {
  return 512 / bits;
}

/** A block of x: its bytes, the uppermost first (for 4 bits those of even
 * places, then those of odd ones, because a byte of w holds two neighbours),
 * and the scale of x's group for each of the 16 sums that are made of a block.
 */
template <int Bits, int Bytes>
struct alignas(64) Block {
  static constexpr int kVectors = 8 / Bits;
  int8_t bytes[Bytes][kVectors][64];
  float scales[16];
};

/** Rows of x ready for a matrix. */
template <int Bits, int Bytes>
class Inputs {
 public:
  using OneBlock = Block<Bits, Bytes>;

  /** From row m on. */
  Inputs(const ReadyRows& x, int64_t m)
      : data_(x.x + m * x.stride),
        stride_(x.stride),
        blocks_((x.K + block_of(Bits) - 1) / block_of(Bits)) {}
  const OneBlock& block(int m, int64_t i) const {
    return reinterpret_cast<const OneBlock*>(data_ + m * stride_)[i];
  }
  const float* sums(int m) const {
    return reinterpret_cast<const float*>(&block(m, blocks_));
  }

 private:
  const float* data_;
  int64_t stride_, blocks_;
};

/** 16 sums in steps of x from those of its bytes. Three bytes of two numbers do
 * not fit into 32 bits. */
template <int Bytes>
LLM_VNNI inline __m512 in_steps(const __m512i (&sums)[Bytes]) {
  if constexpr (Bytes == 1) {
    return _mm512_cvtepi32_ps(sums[0]);
  } else {
    const __m512 upper = _mm512_cvtepi32_ps(
        _mm512_add_epi32(_mm512_slli_epi32(sums[0], 8), sums[1]));
    if constexpr (Bytes == 2) {
      return upper;
    } else {
      return _mm512_fmadd_ps(
          upper, _mm512_set1_ps(256), _mm512_cvtepi32_ps(sums[2]));
    }
  }
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

/** f<Bits, Bytes>() for a matrix and rows that are ready for it. */
template <class F>
auto with_format(int bits, int bytes, const F& f) {
  const auto with_bytes = [&]<int Bits>() {
    switch (bytes) {
      case 1:
        return f.template operator()<Bits, 1>();
      case 2:
        return f.template operator()<Bits, 2>();
      default:
        return f.template operator()<Bits, 3>();
    }
  };
  return bits == 4 ? with_bytes.template operator()<4>()
                   : with_bytes.template operator()<8>();
}

} // namespace llm::kernels
