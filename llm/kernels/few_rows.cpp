// SPDX-License-Identifier: MIT
//
// Products with a few rows as operations of MLX: all of matvec.cpp's rows.

#include <algorithm>
#include <vector>

#include "llm/kernels/byte_rows.h"
#include "llm/kernels/kernels.h"
#include "llm/kernels/rows.h"
#include "llm/kernels/thread_pool.h"

namespace llm::kernels {

MatrixRows matrix_rows(const Tensors& in, int first, int bits) {
  const Tensor& w = in[first];
  MatrixRows out{.bits = bits};
  if (bits == 32) {
    out.values = w.data;
    out.stride = w.stride(0);
    return out;
  }
  out.words = reinterpret_cast<const uint32_t*>(w.data);
  out.scales = in[first + 1].data;
  out.biases = in[first + 2].data;
  out.halves = in[first + 1].item_bytes == 2;
  out.words_in_row = w.dim(1);
  out.groups = in[first + 1].dim(1);
  return out;
}

GroupNumbers::GroupNumbers(const MatrixRows& w, int64_t n, int64_t rows) {
  const int64_t first = n * w.groups, count = rows * w.groups;
  if (!w.halves) {
    scales = static_cast<const float*>(w.scales) + first;
    biases = static_cast<const float*>(w.biases) + first;
    return;
  }
  memory_.resize(2 * count);
  const auto widen = [&](const void* from, float* to) {
    halves_to_floats(static_cast<const uint16_t*>(from) + first, count, to);
    return to;
  };
  scales = widen(w.scales, memory_.data());
  biases = widen(w.biases, memory_.data() + count);
}

namespace {

/** x [M, K] times all rows of w, into out [M, N]. */
void run(const MatrixRows& w, const Tensor& x, const Tensor& out) {
  const int64_t M = x.dim(0), N = out.dim(1);
  const ReadyRows ready = make_ready(x.data, x.stride(0), M, x.dim(1), w);
  if (M > kFewRows && ready.bytes > 0) {
    return byte_matmul(w, N, ready, out.data);
  }
  const int64_t rows = rows_of_task(N);
  parallel_for((N + rows - 1) / rows, [&](int64_t task) {
    const int64_t begin = task * rows, end = std::min(N, begin + rows);
    std::vector<float> y((end - begin) * M);
    products(w, begin, end, ready, y.data());
    for (int64_t n = begin; n < end; ++n) {
      for (int64_t m = 0; m < M; ++m) {
        out.data[m * N + n] = y[(n - begin) * M + m];
      }
    }
  });
}

} // namespace

mx::array
matvec(const mx::array& x, const mx::array& w, const Function& plain) {
  Kernel kernel{
      .name = "matvec",
      .run =
          [](const Tensors& in, const Tensors& out) {
            run(matrix_rows(in, 1, 32), in[0], out[0]);
          },
      .plain = plain,
      .accepts = Accepts::row_gaps};
  return make_node(
      std::move(kernel), {x, w}, {{.shape = {x.shape(0), w.shape(0)}}})[0];
}

mx::array packed_matvec(
    const mx::array& x,
    const PackedArrays& w,
    const Function& plain) {
  Kernel kernel{
      .name = "packed_matvec",
      .settings = {double(w.bits)},
      .run =
          [bits = w.bits](const Tensors& in, const Tensors& out) {
            run(matrix_rows(in, 1, bits), in[0], out[0]);
          },
      .plain = plain};
  return make_node(
      std::move(kernel),
      {x, w.packed, w.scales, w.biases},
      {{.shape = {x.shape(0), w.packed.shape(0)}}})[0];
}

} // namespace llm::kernels
