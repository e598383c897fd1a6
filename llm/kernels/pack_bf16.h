// SPDX-License-Identifier: MIT
//
// float32 matrices as the bfloat16 product reads them: in words of 32 bits, of
// which each holds rows k and k + 1 (K of them, with zeros after the last) of a
// column, the first in the low half. Only where has_bf16_dot().

#pragma once

#include <cstdint>

#include "llm/kernels/node.h"

#ifdef __x86_64__
// What a function may use that is only called where has_bf16_dot().
#define LLM_BF16 \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")))
#endif

namespace llm::kernels {

/** Columns of a panel: two vectors of words. */
inline constexpr int64_t kBf16Panel = 32;

/** Pairs of neighbours: words[i] = (x[2 i], x[2 i + 1]), zeros beyond n. */
void pair_up_bf16(const float* x, int64_t n, uint32_t* words);

/** x [K, n], whose rows have no gaps, in strips of `width` columns: strip i is
 * [pairs, width] at out + i * pairs * width. */
void pack_strips_bf16(
    const float* x,
    int64_t row,
    int64_t K,
    int64_t n,
    int64_t width,
    uint32_t* out);

/** b [K, N], one of whose strides is 1, in strips of kBf16Panel columns, with
 * zeros beyond N. */
void pack_panels_bf16(const Tensor& b, uint32_t* out);

} // namespace llm::kernels
