// SPDX-License-Identifier: MIT

#include "llm/nn/loss.h"

#include <mlx/ops.h>

namespace llm::nn {

namespace mx = mlx::core;

mx::array token_losses(const mx::array& logits, const mx::array& targets) {
  const mx::array scores = mx::astype(logits, mx::float32);
  const mx::array picked = mx::squeeze(
      mx::take_along_axis(scores, mx::expand_dims(targets, -1), -1), -1);
  return mx::subtract(mx::logsumexp(scores, -1), picked);
}

mx::array cross_entropy(const mx::array& logits, const mx::array& targets) {
  return mx::mean(token_losses(logits, targets));
}

} // namespace llm::nn
