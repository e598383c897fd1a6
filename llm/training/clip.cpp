// SPDX-License-Identifier: MIT

#include <sstream>

#include <mlx/ops.h>

#include "llm/core/error.h"
#include "llm/kernels/cuda_update.h"
#include "llm/kernels/kernels.h"
#include "llm/training/optimizers.h"

namespace llm {

namespace {

std::vector<mx::array> plain_norm(const std::vector<mx::array>& in) {
  mx::array total = mx::array(0.0f);
  for (const mx::array& g : in) {
    total = total + mx::sum(mx::square(mx::astype(g, mx::float32)));
  }
  return {mx::sqrt(total)};
}

} // namespace

mx::array global_norm(const nn::Parameters& grads) {
  std::vector<mx::array> arrays;
  bool one_type = !grads.empty();
  bool usable = !grads.empty();
  for (const auto& [path, g] : grads) {
    arrays.push_back(g);
    usable = usable && kernels::usable({g});
    one_type = one_type && g.dtype() == arrays[0].dtype();
  }
  if constexpr (kernels::built) {
    if (one_type && kernels::on_cuda()) {
      return mx::sqrt(kernels::cuda_squares(arrays));
    }
    if (usable) {
      return kernels::global_norm(arrays, plain_norm);
    }
  }
  return plain_norm(arrays)[0];
}

mx::array clip_scale(float max_norm, const mx::array& norm) {
  if (!(max_norm > 0)) {
    std::ostringstream text;
    text << max_norm;
    throw UsageError(
        "clip",
        "expected a norm > 0 but received " + text.str() +
            "; do not call clip to leave gradients as they are.");
  }
  return mx::minimum(max_norm / (norm + 1e-6f), mx::array(1.0f));
}

nn::Parameters
clip(const nn::Parameters& grads, float max_norm, const mx::array& norm) {
  const mx::array scale = clip_scale(max_norm, norm);
  nn::Parameters out;
  for (const auto& [path, g] : grads) {
    out.emplace(path, mx::astype(g * scale, g.dtype()));
  }
  return out;
}

} // namespace llm
