// SPDX-License-Identifier: MIT
//
// Small matrix products inside a kernel: C = A B or C += A B, on one thread,
// for operands that lie in the cache. A may be read along either axis, which
// gives A^T for free; the columns of B and C are padded to whole vectors. A
// tile of C stays in registers while k runs.

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

/** Rows of a tile: with two vectors a row, what the registers hold (32 on
 * AVX-512, 16 before it). */
#if HWY_TARGET == HWY_AVX3
constexpr int kTileRows = 12;
#else
constexpr int kTileRows = 6;
#endif

/** A(i, k), A(i, k + 1), ... for the R rows of a tile, as few pointers as the
 * addressing of the processor allows. */
template <int R, bool kTurned>
class Walk {
 public:
  explicit HWY_INLINE Walk(Left a) : step_(kTurned ? a.column : a.row) {
    for (int j = 0; j < kPointers; ++j) {
      at_[j] = a.data + (kTurned ? 0 : 3 * j * step_);
    }
  }
  HWY_INLINE float operator[](int i) const {
    return kTurned ? at_[0][i] : at_[i / 3][i % 3 * step_];
  }
  HWY_INLINE void next() {
    for (int j = 0; j < kPointers; ++j) {
      at_[j] += kTurned ? step_ : 1;
    }
  }

 private:
  static constexpr int kPointers = kTurned ? 1 : (R + 2) / 3;
  int64_t step_;
  const float* at_[kPointers];
};

template <int R, int C, bool kTurned>
HWY_INLINE void tile(Left a, Right b, Right c, int64_t K, bool add) {
  const int64_t N = lanes();
  V sum[R][C];
  for (int i = 0; i < R; ++i) {
    for (int j = 0; j < C; ++j) {
      sum[i][j] =
          add ? hn::LoadU(D(), c.data + i * c.row + j * N) : hn::Zero(D());
    }
  }
  Walk<R, kTurned> left(a);
  const float* right = b.data;
  for (int64_t k = 0; k < K; ++k) {
    V bk[C];
    for (int j = 0; j < C; ++j) {
      bk[j] = hn::LoadU(D(), right + j * N);
    }
    for (int i = 0; i < R; ++i) {
      const V aik = set(left[i]);
      for (int j = 0; j < C; ++j) {
        sum[i][j] = hn::MulAdd(aik, bk[j], sum[i][j]);
      }
    }
    left.next();
    right += b.row;
  }
  for (int i = 0; i < R; ++i) {
    for (int j = 0; j < C; ++j) {
      hn::StoreU(sum[i][j], D(), c.data + i * c.row + j * N);
    }
  }
}

template <int R, bool kTurned>
HWY_INLINE void
tile_row(Left a, Right b, Right c, int64_t K, int64_t columns, bool add) {
  const int64_t N = lanes();
  int64_t n = 0;
  for (; n + 2 * N <= columns; n += 2 * N) {
    tile<R, 2, kTurned>(a, {b.data + n, b.row}, {c.data + n, c.row}, K, add);
  }
  if (n < columns) {
    tile<R, 1, kTurned>(a, {b.data + n, b.row}, {c.data + n, c.row}, K, add);
  }
}

template <bool kTurned>
void rows_by_tiles(
    Left a,
    Right b,
    Right c,
    int64_t M,
    int64_t K,
    int64_t columns,
    bool add) {
  int64_t i = 0;
  while (i < M) {
    const Left from{a.data + i * a.row, a.row, a.column};
    const Right to{c.data + i * c.row, c.row};
    if (M - i >= kTileRows) {
      tile_row<kTileRows, kTurned>(from, b, to, K, columns, add);
      i += kTileRows;
    } else if (M - i >= 3) {
      tile_row<3, kTurned>(from, b, to, K, columns, add);
      i += 3;
    } else {
      tile_row<1, kTurned>(from, b, to, K, columns, add);
      i += 1;
    }
  }
}

/** C [M, columns] = (add ? C : 0) + A [M, K] B [K, columns]; `columns` is a
 * multiple of lanes(); a.row or a.column is 1. */
inline void small_matmul(
    Left a,
    Right b,
    Right c,
    int64_t M,
    int64_t K,
    int64_t columns,
    bool add) {
  if (a.column == 1) {
    rows_by_tiles<false>(a, b, c, M, K, columns, add);
  } else {
    rows_by_tiles<true>(a, b, c, M, K, columns, add);
  }
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif // the guard that Highway toggles
