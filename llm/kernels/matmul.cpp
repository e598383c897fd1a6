// SPDX-License-Identifier: MIT
//
// C = A B in float32 for the sizes of small models, where a general BLAS loses
// half its time to preparing and to waking threads. B is packed once into
// panels of two vectors' width (Goto and van de Geijn, "Anatomy of
// High-Performance Matrix Multiplication", 2008); blocks of rows of A are the
// tasks. Each element of C is one sum in one order, whatever the threads.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "llm/kernels/matmul.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <vector>

#include <mlx/ops.h>

#include "llm/kernels/kernels.h"
#include "llm/kernels/matmul-inl.h"
#include "llm/kernels/thread_pool.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

constexpr int64_t kDepth = 256; // of K at a time: a panel stays in L1
constexpr int64_t kBlock = 96; // rows of A at most in a task

int64_t panel_width() {
  return 2 * lanes();
}

/** Columns [0, n) of b [K, n] -> out [K, panel_width()], zeros beyond n. */
void pack_panel(Left b, int64_t K, int64_t n, float* out) {
  const int64_t P = panel_width();
  for (int64_t k = 0; k < K; ++k) {
    float* row = out + k * P;
    if (b.column == 1 && n == P) {
      std::copy_n(b.data + k * b.row, P, row);
      continue;
    }
    for (int64_t j = 0; j < n; ++j) {
      row[j] = b.data[k * b.row + j * b.column];
    }
    std::fill(row + n, row + P, 0.0f);
  }
}

/** Rows of c [M, n <= P], at depth k0 of K, from one packed panel. */
HWY_INLINE void
panel_rows(Left a, Right panel, Right c, int64_t M, int64_t n, int64_t K, bool add) {
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

/** c [M, N] = a [M, K] times the packed panels, M <= kBlock. */
void multiply_rows(
    Left a,
    float* panels,
    Right c,
    int64_t M,
    int64_t K,
    int64_t N) {
  const int64_t P = panel_width();
  thread_local std::vector<float> turned(kDepth * kBlock);
  for (int64_t k0 = 0; k0 < K; k0 += kDepth) {
    const int64_t depth = std::min(kDepth, K - k0);
    Left block{a.data + k0 * a.column, a.row, a.column};
    if (a.column != 1) { // a transposed view: gather what lies far apart
      for (int64_t k = 0; k < depth; ++k) {
        for (int64_t i = 0; i < M; ++i) {
          turned[k * kBlock + i] =
              block.data[i * block.row + k * block.column];
        }
      }
      block = {turned.data(), 1, kBlock};
    }
    for (int64_t n = 0; n < N; n += P) {
      const Right panel{panels + n * K + k0 * P, P};
      panel_rows(
          block,
          panel,
          {c.data + n, c.row},
          M,
          std::min(P, N - n),
          depth,
          k0 > 0);
    }
  }
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(panel_width);
HWY_EXPORT(pack_panel);
HWY_EXPORT(multiply_rows);

namespace {

/** Rows of a task: enough tasks for the threads, whole tiles of rows. */
int64_t rows_of_task(int64_t M) {
  constexpr int64_t kTasks = 16, kTile = 12, kMost = 96;
  const int64_t rows = (M + kTasks * kTile - 1) / (kTasks * kTile) * kTile;
  return std::min(rows, kMost);
}

void run_matmul(const Tensor& a, const Tensor& b, const Tensor& c) {
  const int64_t M = a.dim(0), K = a.dim(1), N = b.dim(1);
  const int64_t P = HWY_DYNAMIC_DISPATCH(panel_width)();
  const int64_t panels = (N + P - 1) / P;
  thread_local std::vector<float> memory; // of the stream's thread
  if (static_cast<int64_t>(memory.size()) < panels * P * K) {
    memory.resize(panels * P * K);
  }
  float* packed = memory.data();
  parallel_for(panels, [&](int64_t i) {
    HWY_DYNAMIC_DISPATCH(pack_panel)
    ({b.data + i * P * b.stride(1), b.stride(0), b.stride(1)},
     K,
     std::min(P, N - i * P),
     packed + i * P * K);
  });
  const int64_t rows = rows_of_task(M);
  parallel_for((M + rows - 1) / rows, [&](int64_t i) {
    const int64_t begin = i * rows;
    HWY_DYNAMIC_DISPATCH(multiply_rows)
    ({a.data + begin * a.stride(0), a.stride(0), a.stride(1)},
     packed,
     {c.data + begin * N, N},
     std::min(rows, M - begin),
     K,
     N);
  });
}

} // namespace

mx::array
matmul(const mx::array& a, const mx::array& b, const Function& plain) {
  Kernel kernel{
      .name = "matmul",
      .run = [](const Tensors& in,
                const Tensors& out) { run_matmul(in[0], in[1], out[0]); },
      .plain = plain,
      .vjp =
          [plain](const auto& in, const auto& cotangents, const auto&) {
            const mx::array& dc = cotangents[0];
            return std::vector<mx::array>{
                matmul(dc, mx::transpose(in[1]), plain),
                matmul(mx::transpose(in[0]), dc, plain)};
          },
      .accepts = Accepts::any_strides};
  return make_node(
      std::move(kernel), {a, b}, {{.shape = {a.shape(0), b.shape(1)}}})[0];
}

} // namespace llm::kernels
#endif // HWY_ONCE
