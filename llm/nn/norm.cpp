// SPDX-License-Identifier: MIT

#include "llm/nn/norm.h"

#include <mlx/fast.h>

#include "llm/kernels/cuda_norm.h"
#include "llm/kernels/kernels.h"

namespace llm::nn {

namespace {

kernels::Function plain_layer_norm(float eps) {
  return [eps](const std::vector<mx::array>& in) {
    const auto bias =
        in.size() > 2 ? std::optional<mx::array>(in[2]) : std::nullopt;
    return std::vector<mx::array>{
        mx::fast::layer_norm(in[0], in[1], bias, eps)};
  };
}

kernels::Function plain_rms_norm(float eps) {
  return [eps](const std::vector<mx::array>& in) {
    return std::vector<mx::array>{mx::fast::rms_norm(in[0], in[1], eps)};
  };
}

} // namespace

mx::array layer_norm(
    const mx::array& x,
    const mx::array& weight,
    const std::optional<mx::array>& bias,
    float eps) {
  if constexpr (kernels::built) {
    if (kernels::usable_cuda_norm(x, weight, bias)) {
      return kernels::cuda_layer_norm(x, weight, bias, eps);
    }
    if (kernels::usable({x, weight}) && (!bias || kernels::usable({*bias}))) {
      return kernels::layer_norm(x, weight, bias, eps, plain_layer_norm(eps));
    }
  }
  // [snippet layer-norm]
  return mx::fast::layer_norm(x, weight, bias, eps);
  // [/snippet]
}

mx::array rms_norm(const mx::array& x, const mx::array& weight, float eps) {
  if constexpr (kernels::built) {
    if (kernels::usable({x, weight})) {
      return kernels::rms_norm(x, weight, eps, plain_rms_norm(eps));
    }
  }
  // [snippet rms-norm]
  return mx::fast::rms_norm(x, weight, eps);
  // [/snippet]
}

std::pair<mx::array, mx::array>
add_norm(const mx::array& x, const mx::array& r, const LayerNorm& norm) {
  if constexpr (kernels::built) {
    if (kernels::usable({x, r, norm.weight}) && x.shape() == r.shape() &&
        (!norm.bias || kernels::usable({*norm.bias}))) {
      const std::vector<mx::array> out = kernels::add_norm(
          x,
          r,
          norm.weight,
          norm.bias,
          norm.eps,
          true,
          plain_layer_norm(norm.eps));
      return {out[0], out[1]};
    }
  }
  const mx::array sum = mx::add(x, r);
  return {sum, norm(sum)};
}

std::pair<mx::array, mx::array>
add_norm(const mx::array& x, const mx::array& r, const RMSNorm& norm) {
  if constexpr (kernels::built) {
    if (kernels::usable({x, r, norm.weight}) && x.shape() == r.shape()) {
      const std::vector<mx::array> out = kernels::add_norm(
          x,
          r,
          norm.weight,
          std::nullopt,
          norm.eps,
          false,
          plain_rms_norm(norm.eps));
      return {out[0], out[1]};
    }
  }
  const mx::array sum = mx::add(x, r);
  return {sum, norm(sum)};
}

} // namespace llm::nn
