// SPDX-License-Identifier: MIT

#include "llm/nn/rope.h"

#include <vector>

#include <mlx/fast.h>

#include "llm/kernels/kernels.h"

namespace llm::nn {

namespace mx = mlx::core;

mx::array rope(const mx::array& x, float base, int start) {
  const auto plain = [base, start](const std::vector<mx::array>& in) {
    return std::vector<mx::array>{
        mx::fast::rope(in[0], in[0].shape(-1), false, base, 1.0f, start)};
  };
  if constexpr (kernels::built) {
    if (kernels::usable({x})) {
      return kernels::rope(x, base, start, plain);
    }
  }
  return plain({x})[0];
}

} // namespace llm::nn
