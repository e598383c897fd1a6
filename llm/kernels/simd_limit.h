// SPDX-License-Identifier: MIT
//
// Old processors on a new one: LLM_SIMD in the environment keeps the kernels
// to instructions that such a processor has, so that its path can be tested
// and measured. It is about x86 and says nothing to other processors, nor to
// the BLAS (OpenBLAS has OPENBLAS_CORETYPE).

#pragma once

namespace llm::kernels {

/** From the oldest to the newest. avx512 is AVX-512 as it began: F, BW, DQ and
 * VL, without the products of bfloat16 and of 8-bit integers. */
enum class Simd { sse4, avx2, avx512, all };

/** What LLM_SIMD allows; all if it is not set or empty. UsageError if it is
 * another word than sse4, avx2 or avx512. */
Simd simd_limit();

/** Keeps Highway's choice to simd_limit(): what start_mlx() calls. */
void apply_simd_limit();

} // namespace llm::kernels
