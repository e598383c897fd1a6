// SPDX-License-Identifier: MIT
//
// Small matrix products inside a kernel: C = A B or C += A B, on one thread,
// for operands that lie in the cache. A may be read along either axis, which
// gives A^T for free; the columns of B and C are padded to whole vectors.
// Each call keeps up to 6 x 2 vectors of C in registers (16 on AVX2).

#if defined(LLM_KERNELS_MATMUL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LLM_KERNELS_MATMUL_INL_H_
#undef LLM_KERNELS_MATMUL_INL_H_
#else
#define LLM_KERNELS_MATMUL_INL_H_
#endif

#include "llm/kernels/operand.h"
#include "llm/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

template <int R, int C>
HWY_INLINE void tile(Left a, Right b, Right c, int64_t K, bool add) {
  const int64_t N = lanes();
  V sum[R][C];
  for (int i = 0; i < R; ++i) {
    for (int j = 0; j < C; ++j) {
      sum[i][j] =
          add ? hn::LoadU(D(), c.data + i * c.row + j * N) : hn::Zero(D());
    }
  }
  for (int64_t k = 0; k < K; ++k) {
    V right[C];
    for (int j = 0; j < C; ++j) {
      right[j] = hn::LoadU(D(), b.data + k * b.row + j * N);
    }
    for (int i = 0; i < R; ++i) {
      const V left = set(a.data[i * a.row + k * a.column]);
      for (int j = 0; j < C; ++j) {
        sum[i][j] = hn::MulAdd(left, right[j], sum[i][j]);
      }
    }
  }
  for (int i = 0; i < R; ++i) {
    for (int j = 0; j < C; ++j) {
      hn::StoreU(sum[i][j], D(), c.data + i * c.row + j * N);
    }
  }
}

template <int R>
HWY_INLINE void
tile_row(Left a, Right b, Right c, int64_t K, int64_t columns, bool add) {
  const int64_t N = lanes();
  int64_t n = 0;
  for (; n + 2 * N <= columns; n += 2 * N) {
    tile<R, 2>(a, {b.data + n, b.row}, {c.data + n, c.row}, K, add);
  }
  if (n < columns) {
    tile<R, 1>(a, {b.data + n, b.row}, {c.data + n, c.row}, K, add);
  }
}

/** C [M, columns] = (add ? C : 0) + A [M, K] B [K, columns]; `columns` is a
 * multiple of lanes(). */
inline void small_matmul(
    Left a,
    Right b,
    Right c,
    int64_t M,
    int64_t K,
    int64_t columns,
    bool add) {
  int64_t i = 0;
  const auto rows = [&](int64_t n) HWY_ATTR {
    const Left from{a.data + i * a.row, a.row, a.column};
    const Right to{c.data + i * c.row, c.row};
    switch (n) {
      case 6:
        tile_row<6>(from, b, to, K, columns, add);
        break;
      case 3:
        tile_row<3>(from, b, to, K, columns, add);
        break;
      default:
        tile_row<1>(from, b, to, K, columns, add);
    }
    i += n;
  };
  while (i < M) {
    rows(M - i >= 6 ? 6 : M - i >= 3 ? 3 : 1);
  }
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif // the guard that Highway toggles
