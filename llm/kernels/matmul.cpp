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
#include "llm/kernels/matmul_bf16.h"
#include "llm/kernels/thread_pool.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

// The functions of matmul-inl.h, once more, since only what stands in this file
// can be exported.
int64_t panel_columns() {
  return panel_width();
}

void pack(Left b, int64_t K, int64_t n, float* out) {
  pack_panel(b, K, n, out);
}

void multiply(
    Left a,
    const float* panels,
    Right c,
    int64_t M,
    int64_t K,
    int64_t N) {
  multiply_rows(a, panels, c, M, K, N, false);
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(panel_columns);
HWY_EXPORT(pack);
HWY_EXPORT(multiply);

namespace {

/** Rows of a task: enough tasks for the threads, whole tiles of rows. */
int64_t rows_of_block(int64_t M) {
  constexpr int64_t kTasks = 16, kTile = 12, kMost = 96;
  const int64_t rows = (M + kTasks * kTile - 1) / (kTasks * kTile) * kTile;
  return std::min(rows, kMost);
}

void run_matmul(const Tensor& a, const Tensor& b, const Tensor& c) {
  const int64_t M = a.dim(0), K = a.dim(1), N = b.dim(1);
  const int64_t P = HWY_DYNAMIC_DISPATCH(panel_columns)();
  const int64_t panels = (N + P - 1) / P;
  thread_local std::vector<float> memory; // of the stream's thread
  if (static_cast<int64_t>(memory.size()) < panels * P * K) {
    memory.resize(panels * P * K);
  }
  float* packed = memory.data();
  parallel_for(panels, [&](int64_t i) {
    HWY_DYNAMIC_DISPATCH(pack)
    ({b.data + i * P * b.stride(1), b.stride(0), b.stride(1)},
     K,
     std::min(P, N - i * P),
     packed + i * P * K);
  });
  const int64_t rows = rows_of_block(M);
  parallel_for((M + rows - 1) / rows, [&](int64_t i) {
    const int64_t begin = i * rows;
    HWY_DYNAMIC_DISPATCH(multiply)
    ({a.data + begin * a.stride(0), a.stride(0), a.stride(1)},
     packed,
     {c.data + begin * N, N},
     std::min(rows, M - begin),
     K,
     N);
  });
}

bool has_unit_stride(const Tensor& x) {
  return x.stride(0) == 1 || x.stride(1) == 1;
}

/** An axis of one element may have any stride: 1, then. */
Tensor with_plain_strides(Tensor x) {
  for (size_t i = 0; i < x.shape.size(); ++i) {
    if (x.shape[i] == 1) {
      x.strides[i] = 1;
    }
  }
  return x;
}

void run(bool bf16, const Tensor& left, const Tensor& right, const Tensor& c) {
  const Tensor a = with_plain_strides(left), b = with_plain_strides(right);
  if (bf16 && has_unit_stride(a) && has_unit_stride(b)) {
    multiply_bf16(a, b, c);
  } else {
    run_matmul(a, b, c);
  }
}

} // namespace

mx::array
matmul(const mx::array& a, const mx::array& b, const Function& plain) {
  const bool bf16 = bf16_products() && has_bf16_dot();
  Kernel kernel{
      .name = "matmul",
      .settings = {double(bf16)},
      .run = [bf16](
                 const Tensors& in,
                 const Tensors& out) { run(bf16, in[0], in[1], out[0]); },
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
