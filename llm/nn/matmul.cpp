// SPDX-License-Identifier: MIT

#include "llm/nn/matmul.h"

#include <utility>
#include <vector>

#include <mlx/device.h>
#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/kernels/kernels.h"

namespace llm::nn {

namespace mx = mlx::core;

namespace {

// in: x, w.
std::vector<mx::array> plain_matmul(const std::vector<mx::array>& in) {
  return {mx::matmul(in[0], in[1])};
}

std::vector<mx::array> plain_transposed(const std::vector<mx::array>& in) {
  return {mx::matmul(in[0], mx::transpose(in[1]))};
}

/** On a GPU the gradient of w lies in rows, as the optimizer reads it. */
mx::array transposed_on_gpu(const mx::array& x, const mx::array& w) {
  const auto backward = [](const std::vector<mx::array>& in,
                           const std::vector<mx::array>& cotangents,
                           const std::vector<mx::array>&) {
    const int N = in[1].shape(0), K = in[1].shape(1);
    const mx::array dy = mx::reshape(cotangents[0], {-1, N});
    const mx::array rows = mx::reshape(in[0], {-1, K});
    return std::vector<mx::array>{
        mx::matmul(cotangents[0], in[1]), mx::matmul(mx::transpose(dy), rows)};
  };
  return mx::custom_vjp(plain_transposed, backward)({x, w})[0];
}

// For a few rows preparing w costs more than the kernel saves.
constexpr size_t kFewRows = 16;

// y [M, N] -> [..., N], the other axes as those of x.
[[maybe_unused]] mx::array
with_shape_of(const mx::array& x, int N, const mx::array& y) {
  mx::Shape shape = x.shape();
  shape.back() = N;
  return mx::reshape(y, std::move(shape));
}

} // namespace

bool has_bf16_products() {
  if constexpr (kernels::built) {
    return kernels::has_bf16_dot() && kernels::fast_cpu() &&
        mx::default_device() == mx::Device::cpu;
  }
  return false;
}

bool bf16_products_pay() {
  if constexpr (kernels::built) {
    return has_bf16_products() && kernels::bf16_dot_pays();
  }
  return false;
}

Bf16Products::Bf16Products() {
  if constexpr (kernels::built) {
    before_ = kernels::bf16_products();
    kernels::set_bf16_products(true);
  }
}

Bf16Products::~Bf16Products() {
  if constexpr (kernels::built) {
    kernels::set_bf16_products(before_);
  }
}

mx::array matmul(const mx::array& x, const mx::array& w) {
  if constexpr (kernels::built) {
    const bool fits = w.ndim() == 2 && x.ndim() >= 2 &&
        x.shape(-1) == w.shape(0) &&
        x.size() >= kFewRows * static_cast<size_t>(w.shape(0));
    if (fits && kernels::usable({x, w})) {
      const int K = w.shape(0), N = w.shape(1);
      const mx::array rows = mx::reshape(x, {-1, K});
      return with_shape_of(x, N, kernels::matmul(rows, w, plain_matmul));
    }
  }
  return plain_matmul({x, w})[0];
}

mx::array matmul_transposed(const mx::array& x, const mx::array& w) {
  if constexpr (kernels::built) {
    const int K = w.shape(1), N = w.shape(0);
    if (x.shape(-1) == K && kernels::usable({x, w})) {
      const bool few = x.size() <= kFewRows * static_cast<size_t>(K);
      const mx::array rows = mx::reshape(x, {-1, K});
      const mx::array y = few
          ? kernels::matvec(rows, w, plain_transposed)
          : kernels::matmul_transposed(rows, w, plain_transposed);
      return with_shape_of(x, N, y);
    }
  }
  if (w.is_tracer() && mx::default_device() == mx::Device::gpu) {
    return transposed_on_gpu(x, w);
  }
  return plain_transposed({x, w})[0];
}

} // namespace llm::nn
