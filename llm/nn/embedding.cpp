// SPDX-License-Identifier: MIT

#include "llm/nn/embedding.h"

#include "llm/nn/matmul.h"

namespace llm::nn {

int Embedding::dims() const {
  return quantization ? unpacked_width(weight, *quantization) : weight.shape(1);
}

mx::array Embedding::operator()(const mx::array& ids) const {
  const mx::array rows = mx::take(weight, ids, 0);
  if (!quantization) {
    return rows;
  }
  Quantization q = *quantization;
  q.scales = mx::take(q.scales, ids, 0);
  q.biases = mx::take(q.biases, ids, 0);
  return dequantize(rows, q);
}

mx::array Embedding::as_linear(const mx::array& x) const {
  return quantization ? quantized_matmul(x, weight, *quantization)
                      : matmul_transposed(x, weight);
}

mx::array Embedding::full_weight() const {
  return quantization ? dequantize(weight, *quantization) : weight;
}

} // namespace llm::nn
