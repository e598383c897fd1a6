// SPDX-License-Identifier: MIT
//
// The kernels use no newer instructions than LLM_SIMD allows. Python tests
// (test_simd_limit.py) run this and the other kernel tests under each limit.

#ifdef LLM_KERNELS // where they are not built, there is nothing to limit

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "llm/kernels/kernels.h"
#include "llm/kernels/simd_limit.h"

using namespace llm;

namespace {

const std::vector<std::string> limits = {"sse4", "avx2", "avx512", ""};

/** How new the instructions are that Highway chose, as a place in `limits`. */
int age(const std::string& target) {
  const std::vector<std::string> targets = {"SSE4", "AVX2", "AVX3", "AVX3_DL"};
  const auto found = std::find(targets.begin(), targets.end(), target);
  return found == targets.end() ? -1
                                : static_cast<int>(found - targets.begin());
}

} // namespace

TEST_CASE("kernels: no newer instructions than LLM_SIMD allows") {
  const char* value = std::getenv("LLM_SIMD");
  const std::string limit = value == nullptr ? "" : value;
  const auto place = std::find(limits.begin(), limits.end(), limit);
  REQUIRE(place != limits.end()); // start_mlx() refuses others
  const auto allowed = static_cast<int>(place - limits.begin());
  CHECK(static_cast<int>(kernels::simd_limit()) == allowed);
  CHECK(age(kernels::simd_target()) <= allowed);
  if (!limit.empty()) {
    CHECK_FALSE(kernels::has_bf16_dot());
  }
}

#endif // LLM_KERNELS
