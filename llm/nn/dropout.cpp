// SPDX-License-Identifier: MIT

#include "llm/nn/dropout.h"

#include "llm/kernels/kernels.h"

namespace llm::nn {

mx::array dropped(const mx::array& x, const mx::array& key, float p) {
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
