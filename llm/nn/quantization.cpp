// SPDX-License-Identifier: MIT

#include "llm/nn/quantization.h"

#include <algorithm>
#include <string>
#include <vector>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/core/error.h"
#include "llm/kernels/kernels.h"
#include "llm/nn/matmul.h"

namespace llm::nn {

namespace {

// in: packed, scales, biases.
kernels::Function plain_unpack(int group_size, int bits) {
  return [=](const std::vector<mx::array>& in) {
    // Scales that are halves are so to be short: see models/load.cpp.
    const bool on_cpu = mx::default_device() == mx::Device::cpu;
    const mx::Dtype type = on_cpu ? mx::float32 : in[1].dtype();
    return std::vector<mx::array>{mx::dequantize(
        in[0],
        mx::astype(in[1], type),
        mx::astype(in[2], type),
        group_size,
        bits)};
  };
}

// in: x, packed, scales, biases.
kernels::Function plain_product(int group_size, int bits) {
  return [=](const std::vector<mx::array>& in) {
    return std::vector<mx::array>{mx::quantized_matmul(
        in[0], in[1], in[2], in[3], true, group_size, bits)};
  };
}

/** x [..., K] times the packed matrix, in our kernel. */
[[maybe_unused]] mx::array packed_product(
    const mx::array& x,
    const mx::array& packed,
    const Quantization& q) {
  mx::Shape shape = x.shape();
  shape.back() = packed.shape(0);
  const mx::array y = kernels::packed_matvec(
      mx::reshape(x, {-1, x.shape(-1)}),
      {packed, q.scales, q.biases, q.bits},
      plain_product(q.group_size, q.bits));
  return mx::reshape(y, std::move(shape));
}

/** The product on a CPU with many rows: where they cannot be multiplied packed,
 * unpacking the matrix once and multiplying fast beats MLX's product, which
 * unpacks it for each row. The gradient unpacks it again, so that no float32
 * copy waits for it. */
[[maybe_unused]] mx::array product_with_many(
    const mx::array& x,
    const mx::array& packed,
    const Quantization& q) {
  const auto weight = [packed, q] { return dequantize(packed, q); };
  const bool in_bytes =
      kernels::can_unpack(q.bits) && kernels::activation_bits() < 32;
  const auto forward = [=](const std::vector<mx::array>& in) {
    return std::vector<mx::array>{
        in_bytes ? packed_product(in[0], packed, q)
                 : nn::matmul(in[0], mx::transpose(weight()))};
  };
  const auto backward = [weight](
                            const std::vector<mx::array>&,
                            const std::vector<mx::array>& cotangents,
                            const std::vector<mx::array>&) {
    return std::vector<mx::array>{nn::matmul(cotangents[0], weight())};
  };
  return mx::custom_vjp(forward, backward)({x})[0];
}

} // namespace

void check_quantization(int in, int group_size, int bits) {
  const std::vector<int> groups = {32, 64, 128}, widths = {2, 3, 4, 5, 6, 8};
  if (std::find(groups.begin(), groups.end(), group_size) == groups.end()) {
    throw UsageError(
        "quantize",
        "expected a group of 32, 64 or 128 values but received " +
            std::to_string(group_size) + ".");
  }
  if (std::find(widths.begin(), widths.end(), bits) == widths.end()) {
    throw UsageError(
        "quantize",
        "expected 2, 3, 4, 5, 6 or 8 bits but received " +
            std::to_string(bits) + ".");
  }
  if (in % group_size != 0) {
    throw UsageError(
        "quantize",
        "expected rows of a multiple of " + std::to_string(group_size) +
            " values but received " + std::to_string(in) +
            "; choose a smaller group.");
  }
}

std::pair<mx::array, Quantization>
quantize(const mx::array& weight, int group_size, int bits) {
  check_quantization(weight.shape(-1), group_size, bits);
  const std::vector<mx::array> parts = mx::quantize(weight, group_size, bits);
  return {parts[0], {parts[1], parts[2], group_size, bits}};
}

// [snippet choose]
mx::array dequantize(const mx::array& packed, const Quantization& q) {
  const kernels::Function plain = plain_unpack(q.group_size, q.bits);
  if constexpr (kernels::built) {
    if (packed.ndim() == 2 && kernels::can_unpack(q.bits) &&
        kernels::usable_groups(q.scales, q.biases)) {
      return kernels::unpack({packed, q.scales, q.biases, q.bits}, plain);
    }
  }
  return plain({packed, q.scales, q.biases})[0];
}
// [/snippet]

mx::array quantized_matmul(
    const mx::array& x,
    const mx::array& packed,
    const Quantization& q) {
  if constexpr (kernels::built) {
    constexpr size_t kMany = 3;
    const size_t rows = x.size() / x.shape(-1);
    if (kernels::usable({x}) && kernels::usable_groups(q.scales, q.biases)) {
      if (rows <= kernels::kFewRows && kernels::can_unpack(q.bits)) {
        return packed_product(x, packed, q);
      }
      if (rows >= kMany) {
        return product_with_many(x, packed, q);
      }
    }
  }
  return plain_product(
      q.group_size, q.bits)({x, packed, q.scales, q.biases})[0];
}

} // namespace llm::nn
