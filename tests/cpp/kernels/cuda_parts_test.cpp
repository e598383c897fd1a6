// SPDX-License-Identifier: MIT
//
// What the kernels for NVIDIA GPUs do with MLX's operations, which is the same
// on a CPU. The rest is in nn/gpu_test.cpp.

#ifdef LLM_KERNELS // where they are not built, there is nothing to compare

#include "llm/kernels/cuda_parts.h"

#include <vector>

#include <doctest/doctest.h>
#include <mlx/mlx.h>

namespace mx = mlx::core;

TEST_CASE("cuda: the gradient of a table's rows is a sum over equal ids") {
  const int N = 40, C = 8;
  for (int V : {7, 65, 2000}) { // 2000: too large for a product with ones
    const mx::array ids =
        mx::random::randint(0, V / 2, {N}, mx::int32, mx::random::key(1));
    const mx::array dy = mx::random::normal({N, C}, mx::random::key(2));
    const auto rows = [&](const std::vector<mx::array>& in) {
      return std::vector<mx::array>{mx::take(in[0], ids, 0)};
    };
    const mx::array expected =
        mx::vjp(rows, {mx::zeros({V, C})}, {dy}).second[0];
    const mx::array found = llm::kernels::rows_gradient(ids, dy, V);
    CAPTURE(V);
    CHECK(found.shape() == expected.shape());
    CHECK(mx::allclose(found, expected, 1e-6, 1e-6).item<bool>());
  }
}

#endif // LLM_KERNELS
