// SPDX-License-Identifier: MIT
//
// The matrix product that layers use.

#pragma once

#include <mlx/array.h>

namespace llm::nn {

/** True where a CPU multiplies bfloat16 itself (AVX512-BF16). */
bool has_bf16_products();
/** True where that is faster than float32. */
bool bf16_products_pay();

/** While it lives, the products below of more than 16 rows round what they
 * multiply to bfloat16, where has_bf16_products(); all else, the sums too,
 * stays float32. Counts when the graph is built. */
class Bf16Products {
 public:
  Bf16Products();
  ~Bf16Products();
  Bf16Products(const Bf16Products&) = delete;
  Bf16Products& operator=(const Bf16Products&) = delete;

 private:
  bool before_ = false;
};

/** x [..., K] times w [K, N] -> [..., N]. */
mlx::core::array matmul(const mlx::core::array& x, const mlx::core::array& w);

/** x [..., K] times w [N, K] transposed -> [..., N]: a layer's product. With up
 * to 16 rows of x the result of a row does not depend on the others, to the
 * bit, where our CPU kernels run. */
mlx::core::array matmul_transposed(
    const mlx::core::array& x,
    const mlx::core::array& w);

} // namespace llm::nn
