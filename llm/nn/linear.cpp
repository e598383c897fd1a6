// SPDX-License-Identifier: MIT

#include "llm/nn/linear.h"

#include "llm/nn/matmul.h"

namespace llm::nn {

int Linear::in() const {
  return quantization ? unpacked_width(weight, *quantization) : weight.shape(1);
}

mx::array Linear::full_weight() const {
  return quantization ? dequantize(weight, *quantization) : weight;
}

mx::array Linear::merged_weight() const {
  mx::array w = full_weight();
  if (!lora) {
    return w;
  }
  w = mx::add(w, mx::astype(lora->delta(), w.dtype()));
  if (lora->m) {
    const mx::array factor = mx::divide(*lora->m, row_lengths(w)); // [out]
    w = mx::astype(mx::multiply(mx::expand_dims(factor, 1), w), w.dtype());
  }
  return w;
}

mx::array Linear::operator()(const mx::array& x) const {
  // [snippet lora-linear]
  mx::array y = quantization ? quantized_matmul(x, weight, *quantization)
                             : matmul_transposed(x, weight);
  if (lora) {
    y = mx::add(y, (*lora)(x));
    if (lora->m) {
      // The paper's section 4.3: no gradient through the length.
      const mx::array length =
          mx::stop_gradient(row_lengths(mx::add(full_weight(), lora->delta())));
      y = mx::multiply(y, mx::astype(mx::divide(*lora->m, length), y.dtype()));
    }
  }
  return bias ? mx::add(y, *bias) : y;
  // [/snippet]
}

} // namespace llm::nn
