// SPDX-License-Identifier: MIT

#include "llm/nn/categorical.h"

#include <mlx/ops.h>
#include <mlx/random.h>

#include "llm/kernels/kernels.h"

namespace llm::nn {

namespace mx = mlx::core;

mx::array categorical(const mx::array& logits, const mx::array& key) {
  // [snippet categorical]
  const auto plain = [](const std::vector<mx::array>& in) {
    return std::vector<mx::array>{
        mx::astype(mx::random::categorical(in[0], -1, in[1]), mx::float32)};
  };
  // [/snippet]
  if constexpr (kernels::built) {
    if (logits.ndim() == 1 && kernels::usable({logits})) {
      return mx::astype(kernels::categorical(logits, key, plain), mx::int32);
    }
  }
  return mx::astype(mx::random::categorical(logits, -1, key), mx::int32);
}

} // namespace llm::nn
