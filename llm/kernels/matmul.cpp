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

#include <functional>
#include <utility>
#include <vector>

#include <mlx/ops.h>

#include "llm/kernels/kernels.h"
#include "llm/kernels/matmul-inl.h"
#include "llm/kernels/matmul_bf16.h"
#include "llm/kernels/product_tasks.h"
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

/** Rows [begin, end) of b [K, N], whose rows have no gaps, into all panels:
 * read in the order in which they lie. */
void pack_depth(
    Left b,
    int64_t K,
    int64_t N,
    int64_t begin,
    int64_t end,
    float* out) {
  const int64_t P = panel_width();
  for (int64_t k = begin; k < end; ++k) {
    const float* row = b.data + k * b.row;
    for (int64_t n = 0; n < N; n += P) {
      float* to = out + n * K + k * P;
      const int64_t some = std::min(P, N - n);
      copy_short(row + n, some, to);
      std::fill(to + some, to + P, 0.0f);
    }
  }
}

/** Columns [begin, end) of a [M, K], block after block of `rows` rows, each
 * [K, rows]: of a transposed view what is read together then lies together. */
void turn_depth(
    Left a,
    int64_t M,
    int64_t K,
    int64_t rows,
    int64_t begin,
    int64_t end,
    float* out) {
  for (int64_t k = begin; k < end; ++k) {
    for (int64_t m = 0; m < M; m += rows) {
      const int64_t some = std::min(rows, M - m);
      const float* from = a.data + m * a.row + k * a.column;
      gather({from, a.row, a.column}, some, 1, out + m * K + k * some, some);
    }
  }
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
HWY_EXPORT(pack_depth);
HWY_EXPORT(turn_depth);
HWY_EXPORT(multiply);

namespace {

/** Memory of the stream's thread, kept. */
float* at_least(std::vector<float>& memory, int64_t size) {
  memory.resize(std::max<size_t>(memory.size(), size));
  return memory.data();
}

/** f(begin, end) for all of K, in parts. */
void by_depth(int64_t K, const std::function<void(int64_t, int64_t)>& f) {
  constexpr int64_t kDeep = 32;
  parallel_for(divided(K, kDeep), [&](int64_t i) {
    f(i * kDeep, std::min(K, (i + 1) * kDeep));
  });
}

/** b [K, N] in panels. */
void pack_all(Left b, int64_t K, int64_t N, int64_t P, float* out) {
  if (b.column == 1) {
    by_depth(K, [&](int64_t begin, int64_t end) {
      HWY_DYNAMIC_DISPATCH(pack_depth)(b, K, N, begin, end, out);
    });
    return;
  }
  parallel_for(divided(N, P), [&](int64_t i) {
    const float* from = b.data + i * P * b.column;
    HWY_DYNAMIC_DISPATCH(pack)
    ({from, b.row, b.column}, K, std::min(P, N - i * P), out + i * P * K);
  });
}

void run_matmul(const Tensor& a, const Tensor& b, const Tensor& c) {
  const int64_t M = a.dim(0), K = a.dim(1), N = b.dim(1);
  const int64_t P = HWY_DYNAMIC_DISPATCH(panel_columns)();
  const int64_t panels = divided(N, P);
  thread_local std::vector<float> of_a, of_b;
  float* packed = at_least(of_b, panels * P * K);
  pack_all({b.data, b.stride(0), b.stride(1)}, K, N, P, packed);
  const ProductTask block(M, panels);
  const bool turned = a.stride(1) != 1;
  float* blocks = turned ? at_least(of_a, M * K) : nullptr;
  if (turned) {
    const Left all{a.data, a.stride(0), a.stride(1)};
    by_depth(K, [&](int64_t begin, int64_t end) {
      HWY_DYNAMIC_DISPATCH(turn_depth)
      (all, M, K, block.rows, begin, end, blocks);
    });
  }
  const int64_t across = divided(panels, block.panels_each);
  parallel_for(divided(M, block.rows) * across, [&](int64_t i) {
    const int64_t row = i / across * block.rows;
    const int64_t rows = std::min(block.rows, M - row);
    const int64_t column = i % across * block.panels_each * P;
    const Left left = turned ? Left{blocks + row * K, 1, rows}
                             : Left{a.data + row * a.stride(0), a.stride(0), 1};
    HWY_DYNAMIC_DISPATCH(multiply)
    (left,
     packed + column * K,
     {c.data + row * N + column, N},
     rows,
     K,
     std::min(block.panels_each * P, N - column));
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

Tensor transposed(Tensor x) {
  std::swap(x.shape[0], x.shape[1]);
  std::swap(x.strides[0], x.strides[1]);
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

/** A node of one product; `turned`: the second input is [N, K]. */
mx::array product(
    const mx::array& a,
    const mx::array& b,
    bool turned,
    const Function& plain,
    const decltype(Kernel::vjp)& vjp) {
  const bool bf16 = bf16_products() && has_bf16_dot();
  Kernel kernel{
      .name = turned ? "matmul_transposed" : "matmul",
      .settings = {double(bf16)},
      .run =
          [=](const Tensors& in, const Tensors& out) {
            run(bf16, in[0], turned ? transposed(in[1]) : in[1], out[0]);
          },
      .plain = plain,
      .vjp = vjp,
      .accepts = Accepts::any_strides};
  const int N = b.shape(turned ? 0 : 1);
  return make_node(std::move(kernel), {a, b}, {{.shape = {a.shape(0), N}}})[0];
}

} // namespace

mx::array
matmul(const mx::array& a, const mx::array& b, const Function& plain) {
  const auto vjp = [plain](const auto& in, const auto& dc, const auto&) {
    return std::vector<mx::array>{
        matmul(dc[0], mx::transpose(in[1]), plain),
        matmul(mx::transpose(in[0]), dc[0], plain)};
  };
  return product(a, b, false, plain, vjp);
}

mx::array matmul_transposed(
    const mx::array& x,
    const mx::array& w,
    const Function& plain) {
  // The gradient of w is computed as [N, K], in rows, as w lies.
  const auto vjp = [](const auto& in, const auto& dy, const auto&) {
    const Function plain = [](const auto& in) {
      return std::vector<mx::array>{mx::matmul(in[0], in[1])};
    };
    return std::vector<mx::array>{
        matmul(dy[0], in[1], plain),
        matmul(mx::transpose(dy[0]), in[0], plain)};
  };
  return product(x, w, true, plain, vjp);
}

} // namespace llm::kernels
#endif // HWY_ONCE
