// SPDX-License-Identifier: MIT

#include "llm/kernels/simd_limit.h"

#include <cstdlib>
#include <string>

#include <hwy/targets.h>

#include "llm/core/error.h"

namespace llm::kernels {

namespace {

Simd wanted_by_environment() {
  const char* value = std::getenv("LLM_SIMD");
  const std::string name = value == nullptr ? "" : value;
  if (name.empty()) {
    return Simd::all;
  }
  if (name == "sse4") {
    return Simd::sse4;
  }
  if (name == "avx2") {
    return Simd::avx2;
  }
  if (name == "avx512") {
    return Simd::avx512;
  }
  throw UsageError(
      "LLM_SIMD",
      "expected sse4, avx2 or avx512 but received \"" + name +
          "\"; unset it for all that the processor has.");
}

} // namespace

Simd simd_limit() {
  static const Simd limit = wanted_by_environment();
  return limit;
}

void apply_simd_limit() {
#if HWY_ARCH_X86
  const Simd limit = simd_limit();
  int64_t newer = 0;
  newer |= limit < Simd::all ? HWY_AVX3_DL : 0;
  newer |= limit < Simd::avx512 ? HWY_AVX3 : 0;
  newer |= limit < Simd::avx2 ? HWY_AVX2 : 0;
  hwy::DisableTargets(newer);
#else
  simd_limit(); // a wrong word is wrong everywhere
#endif
}

} // namespace llm::kernels
