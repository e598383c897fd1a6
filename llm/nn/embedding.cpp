// SPDX-License-Identifier: MIT

#include "llm/nn/embedding.h"

#include <vector>

#include <mlx/device.h>
#include <mlx/transforms.h>

#include "llm/kernels/cuda_elementwise.h"
#include "llm/kernels/kernels.h"
#include "llm/nn/matmul.h"

namespace llm::nn {

int Embedding::dims() const {
  return quantization ? unpacked_width(weight, *quantization) : weight.shape(1);
}

namespace {

// in: table, ids.
std::vector<mx::array> plain_rows(const std::vector<mx::array>& in) {
  // [snippet embedding-rows]
  return {mx::take(in[0], in[1], 0)};
  // [/snippet]
}

// A GPU adds the gradients of a row in any order, one after the other, where
// ids repeat: in a small table all the time. There a product with ones where
// the ids are gives the same sums, at once and each time to the same bits.
constexpr int kSmallTable = 1024;

bool trains_on_gpu(const mx::array& table) {
  return table.is_tracer() && mx::default_device() == mx::Device::gpu;
}

mx::array rows_of_small_table(const mx::array& table, const mx::array& ids) {
  const auto backward = [](const std::vector<mx::array>& in,
                           const std::vector<mx::array>& cotangents,
                           const std::vector<mx::array>&) {
    const mx::array& table = in[0];
    const int V = table.shape(0), C = table.shape(1);
    const mx::array ids = mx::reshape(in[1], {-1, 1}); // [n, 1]
    const mx::array same = mx::equal(ids, mx::arange(0, V, ids.dtype()));
    const mx::array ones = mx::astype(same, table.dtype());
    const mx::array rows = mx::reshape(cotangents[0], {-1, C});
    return std::vector<mx::array>{
        mx::matmul(mx::transpose(ones), rows), mx::zeros_like(in[1])};
  };
  return mx::custom_vjp(plain_rows, backward)({table, ids})[0];
}

} // namespace

mx::array Embedding::operator()(const mx::array& ids) const {
  const bool small = weight.shape(0) <= kSmallTable && !quantization;
  if (small && trains_on_gpu(weight)) {
    if constexpr (kernels::built) {
      if (kernels::usable_cuda_rows(weight)) {
        return kernels::cuda_rows(weight, mx::astype(ids, mx::int32));
      }
    }
    return rows_of_small_table(weight, ids);
  }
  if constexpr (kernels::built) {
    constexpr size_t kFewRows = 16; // MLX takes those as fast
    if (!quantization && ids.size() > kFewRows && kernels::usable({weight})) {
      const mx::array numbers = mx::astype(ids, mx::int32);
      return kernels::table_rows(weight, numbers, plain_rows);
    }
  }
  const mx::array rows = plain_rows({weight, ids})[0];
  if (!quantization) {
    return rows;
  }
  Quantization q = *quantization;
  q.scales = mx::take(q.scales, ids, 0);
  q.biases = mx::take(q.biases, ids, 0);
  return dequantize(rows, q);
}

namespace {

/** A GPU multiplies 16-bit matrices in steps of 8 rows and is slow at others:
 * as_linear() with rows of zeros more. */
mx::array in_steps_of_8(const mx::array& x, const mx::array& table) {
  const int V = table.shape(0), more = (8 - V % 8) % 8;
  const mx::array y = matmul_transposed(x, mx::pad(table, {{0, more}, {0, 0}}));
  mx::Shape end = y.shape();
  end.back() = V;
  // The loss and its gradient would both copy a part of rows.
  return mx::contiguous(mx::slice(y, mx::Shape(y.ndim(), 0), end));
}

} // namespace

mx::array Embedding::as_linear(const mx::array& x) const {
  if (weight.shape(0) % 8 != 0 && trains_on_gpu(weight)) {
    return in_steps_of_8(x, weight);
  }
  // [snippet embedding-as-linear]
  return quantization ? quantized_matmul(x, weight, *quantization)
                      : matmul_transposed(x, weight);
  // [/snippet]
}

mx::array Embedding::full_weight() const {
  return quantization ? dequantize(weight, *quantization) : weight;
}

} // namespace llm::nn
