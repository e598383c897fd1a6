// SPDX-License-Identifier: MIT

#include <sstream>

#include <mlx/ops.h>

#include "llm/core/error.h"
#include "llm/training/optimizers.h"

namespace llm {

mx::array global_norm(const nn::Parameters& grads) {
  mx::array total = mx::array(0.0f);
  for (const auto& [path, g] : grads) {
    total = total + mx::sum(mx::square(mx::astype(g, mx::float32)));
  }
  return mx::sqrt(total);
}

nn::Parameters
clip(const nn::Parameters& grads, float max_norm, const mx::array& norm) {
  if (!(max_norm > 0)) {
    std::ostringstream text;
    text << max_norm;
    throw UsageError(
        "clip",
        "expected a norm > 0 but received " + text.str() +
            "; do not call clip to leave gradients as they are.");
  }
  const mx::array scale =
      mx::minimum(max_norm / (norm + 1e-6f), mx::array(1.0f));
  nn::Parameters out;
  for (const auto& [path, g] : grads) {
    out.emplace(path, mx::astype(g * scale, g.dtype()));
  }
  return out;
}

} // namespace llm
