// SPDX-License-Identifier: MIT
//
// Matrix products on one thread, for the inside of kernels: C = A B or C += A
// B. small_matmul takes operands that lie in the cache, with columns padded to
// whole vectors; multiply_rows takes a B of any size, packed by pack_panels. A
// may be read along either axis, so A^T costs nothing. A tile of C stays in
// registers while k runs.

#if defined(LLM_KERNELS_MATMUL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LLM_KERNELS_MATMUL_INL_H_
#undef LLM_KERNELS_MATMUL_INL_H_
#else
#define LLM_KERNELS_MATMUL_INL_H_
#endif

#include <cstring>
#include <vector>

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
      sum[i][j] = hn::Zero(D());
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
      float* to = c.data + i * c.row + j * N;
      // Sums of a block each, then their sum: less rounding than one long sum.
      hn::StoreU(
          add ? hn::Add(sum[i][j], hn::LoadU(D(), to)) : sum[i][j], D(), to);
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
    } else if (M - i >= 4) {
      tile_row<4, kTurned>(from, b, to, K, columns, add);
      i += 4;
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

constexpr int64_t kDepth = 256; // of K at a time: a panel stays in L1
constexpr int64_t kBlock = 96;  // rows of A at a time

inline int64_t panel_width() {
  return 2 * lanes();
}

inline int64_t panel_count(int64_t columns) {
  return (columns + panel_width() - 1) / panel_width();
}

/** Some tens of floats: calling memmove would take longer than the work. */
HWY_INLINE void copy_short(const float* from, int64_t n, float* to) {
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    std::memcpy(to + i, from + i, 4 * sizeof(float));
  }
  for (; i < n; ++i) {
    to[i] = from[i];
  }
}

/** Columns [0, n) of b [K, n] -> out [K, panel_width()], zeros beyond n. */
inline void pack_panel(Left b, int64_t K, int64_t n, float* out) {
  const int64_t P = panel_width();
  if (b.column == 1) {
    for (int64_t k = 0; k < K; ++k) {
      copy_short(b.data + k * b.row, n, out + k * P);
      std::fill(out + k * P + n, out + (k + 1) * P, 0.0f);
    }
    return;
  }
  if (n < P) {
    std::fill(out, out + K * P, 0.0f);
  }
  constexpr int64_t kDeep = 64; // of K: what is written stays in L1
  for (int64_t k = 0; k < K; k += kDeep) {
    const float* from = b.data + k * b.row;
    const int64_t depth = std::min(kDeep, K - k);
    if (b.row == 1) {
      transpose_block(from, b.column, n, depth, out + k * P, P);
      continue;
    }
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t i = 0; i < depth; ++i) {
        out[(k + i) * P + j] = from[j * b.column + i * b.row];
      }
    }
  }
}

/** All of b [K, N], panel after panel, into `out`, which grows as needed. */
inline void pack_panels(Left b, int64_t K, int64_t N, std::vector<float>& out) {
  const int64_t P = panel_width();
  out.resize(std::max<size_t>(out.size(), panel_count(N) * P * K));
  for (int64_t n = 0; n < N; n += P) {
    const Left part{b.data + n * b.column, b.row, b.column};
    pack_panel(part, K, std::min(P, N - n), out.data() + n * K);
  }
}

/** c [M, n <= P] from one packed panel. */
inline void panel_rows(
    Left a,
    Right panel,
    Right c,
    int64_t M,
    int64_t n,
    int64_t K,
    bool add) {
  const int64_t P = panel_width();
  if (n == P) {
    small_matmul(a, panel, c, M, K, P, add);
    return;
  }
  // The last panel is wider than C: through a buffer.
  HWY_ALIGN float buffer[kTileRows * 2 * HWY_MAX_BYTES / sizeof(float)];
  const Right part{buffer, P};
  for (int64_t i = 0; i < M; i += kTileRows) {
    const int64_t rows = std::min<int64_t>(kTileRows, M - i);
    for (int64_t r = 0; add && r < rows; ++r) {
      std::copy_n(c.data + (i + r) * c.row, n, buffer + r * P);
      std::fill(buffer + r * P + n, buffer + (r + 1) * P, 0.0f);
    }
    const Left from{a.data + i * a.row, a.row, a.column};
    small_matmul(from, panel, part, rows, K, P, add);
    for (int64_t r = 0; r < rows; ++r) {
      std::copy_n(buffer + r * P, n, c.data + (i + r) * c.row);
    }
  }
}

/** a [rows, depth] -> out [depth, stride]. */
inline void
gather(Left a, int64_t rows, int64_t depth, float* out, int64_t stride) {
  for (int64_t k = 0; k < depth; ++k, out += stride) {
    const float* from = a.data + k * a.column;
    if (a.row == 1) {
      copy_short(from, rows, out);
      continue;
    }
    for (int64_t i = 0; i < rows; ++i) {
      out[i] = from[i * a.row];
    }
  }
}

/** c [M, N] = (add ? c : 0) + a [M, K] times the packed panels of b [K, N]. */
inline void multiply_rows(
    Left a,
    const float* panels,
    Right c,
    int64_t M,
    int64_t K,
    int64_t N,
    bool add) {
  const int64_t P = panel_width();
  thread_local std::vector<float> turned(kDepth * kBlock);
  for (int64_t k0 = 0; k0 < K; k0 += kDepth) {
    const int64_t depth = std::min(kDepth, K - k0);
    for (int64_t m = 0; m < M; m += kBlock) {
      const int64_t rows = std::min(kBlock, M - m);
      Left block{a.data + m * a.row + k0 * a.column, a.row, a.column};
      // A transposed view: gather what lies far apart.
      if (a.column != 1 && (a.row != 1 || a.column > kBlock)) {
        gather(block, rows, depth, turned.data(), kBlock);
        block = {turned.data(), 1, kBlock};
      }
      for (int64_t n = 0; n < N; n += P) {
        const Right panel{const_cast<float*>(panels) + n * K + k0 * P, P};
        panel_rows(
            block,
            panel,
            {c.data + m * c.row + n, c.row},
            rows,
            std::min(P, N - n),
            depth,
            add || k0 > 0);
      }
    }
  }
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif // the guard that Highway toggles
