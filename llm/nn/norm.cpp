// SPDX-License-Identifier: MIT

#include "llm/nn/norm.h"

#include <mlx/fast.h>

#include "llm/kernels/cuda_norm.h"
#include "llm/kernels/kernels.h"

namespace llm::nn {

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
      const auto plain = [eps](const std::vector<mx::array>& in) {
        const auto bias =
            in.size() > 2 ? std::optional<mx::array>(in[2]) : std::nullopt;
        return std::vector<mx::array>{
            mx::fast::layer_norm(in[0], in[1], bias, eps)};
      };
      return kernels::layer_norm(x, weight, bias, eps, plain);
    }
  }
  // [snippet layer-norm]
  return mx::fast::layer_norm(x, weight, bias, eps);
  // [/snippet]
}

mx::array rms_norm(const mx::array& x, const mx::array& weight, float eps) {
  if constexpr (kernels::built) {
    if (kernels::usable({x, weight})) {
      const auto plain = [eps](const std::vector<mx::array>& in) {
        return std::vector<mx::array>{mx::fast::rms_norm(in[0], in[1], eps)};
      };
      return kernels::rms_norm(x, weight, eps, plain);
    }
  }
  // [snippet rms-norm]
  return mx::fast::rms_norm(x, weight, eps);
  // [/snippet]
}

} // namespace llm::nn
