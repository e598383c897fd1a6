// SPDX-License-Identifier: MIT

#include "llm/nn/dropout.h"

#include <mlx/device.h>

#include "llm/kernels/cuda_elementwise.h"
#include "llm/kernels/kernels.h"

namespace llm::nn {

namespace {

// Wellons's hash of 32 bits (lowbias32): each input bit flips half of the
// output's.
mx::array mixed(mx::array x) {
  const auto shifted = [](const mx::array& x, int n) {
    return mx::bitwise_xor(x, mx::right_shift(x, mx::array(n, mx::uint32)));
  };
  x = mx::multiply(shifted(x, 16), mx::array(0x21f0aaadu, mx::uint32));
  x = mx::multiply(shifted(x, 15), mx::array(0x735a2d97u, mx::uint32));
  return shifted(x, 15);
}

/** True with probability 1 - p. On a GPU, where memory is slow and computing
 * costs nothing: a random number for each row, mixed with the column's. Made of
 * operations that mx::compile fuses, where the bits of mx::random pass through
 * memory. */
mx::array keep_mask(const mx::Shape& shape, const mx::array& key, float p) {
  mx::Shape rows = shape;
  rows.back() = 1;
  const mx::array columns = mx::multiply(
      mx::arange(0, shape.back(), mx::uint32),
      mx::array(0x9e3779b9u, mx::uint32));
  const mx::array bits = mixed(mx::add(mx::random::bits(rows, key), columns));
  const auto limit = static_cast<uint32_t>(double{p} * 4294967296.0);
  return mx::greater_equal(bits, mx::array(limit, mx::uint32));
}

} // namespace

mx::array dropped(const mx::array& x, const mx::array& key, float p) {
  if constexpr (kernels::built) {
    if (kernels::usable_cuda_elementwise(x)) {
      return kernels::cuda_dropped(x, key, p);
    }
  }
  if (mx::default_device() == mx::Device::gpu && x.ndim() > 0) {
    const mx::array scaled =
        mx::multiply(x, mx::array(1.0f / (1.0f - p), x.dtype()));
    return mx::where(
        keep_mask(x.shape(), key, p), scaled, mx::array(0.0f, x.dtype()));
  }
  const auto plain = [p](const std::vector<mx::array>& in) {
    const mx::array& x = in[0];
    const mx::array keep = mx::random::bernoulli(1.0f - p, x.shape(), in[1]);
    return std::vector<mx::array>{mx::multiply(
        mx::where(keep, x, mx::zeros_like(x)),
        mx::array(1.0f / (1.0f - p), x.dtype()))};
  };
  if constexpr (kernels::built) {
    if (kernels::usable({x})) {
      return kernels::dropout(x, key, p, plain);
    }
  }
  return plain({x, key})[0];
}

} // namespace llm::nn
