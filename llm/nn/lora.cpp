// SPDX-License-Identifier: MIT

#include "llm/nn/lora.h"

#include <mlx/ops.h>

#include "llm/nn/matmul.h"

namespace llm::nn {

LoRA::LoRA(int in, int out, int rank, float scale, float p, bool with_m)
    : lora_a(mx::zeros({in, rank})),
      lora_b(mx::zeros({rank, out})),
      scale(scale),
      dropout(p) {
  if (with_m) {
    m = mx::zeros({out});
  }
}

// [snippet lora]
mx::array LoRA::operator()(const mx::array& x) const {
  const mx::array z =
      nn::matmul(nn::matmul(dropout(x), lora_a), lora_b); // [..., out]
  return mx::astype(mx::multiply(z, mx::array(scale, z.dtype())), x.dtype());
}
// [/snippet]

// [snippet lora-delta]
mx::array LoRA::delta() const {
  return mx::multiply(
      mx::matmul(mx::transpose(lora_b), mx::transpose(lora_a)),
      mx::array(scale, lora_a.dtype()));
}
// [/snippet]

mx::array row_lengths(const mx::array& weight) {
  const mx::array w = mx::astype(weight, mx::float32);
  return mx::sqrt(mx::sum(mx::square(w), 1));
}

} // namespace llm::nn
