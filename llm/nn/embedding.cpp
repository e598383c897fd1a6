// SPDX-License-Identifier: MIT

#include "llm/nn/embedding.h"

#include <vector>

#include "llm/kernels/kernels.h"
#include "llm/nn/matmul.h"

namespace llm::nn {

int Embedding::dims() const {
  return quantization ? unpacked_width(weight, *quantization) : weight.shape(1);
}

namespace {

// in: table, ids.
std::vector<mx::array> plain_rows(const std::vector<mx::array>& in) {
  // [snippet embedding-rows]
  return {mx::take(in[0], in[1], 0)};
  // [/snippet]
}

} // namespace

mx::array Embedding::operator()(const mx::array& ids) const {
  if constexpr (kernels::built) {
    constexpr size_t kFewRows = 16; // MLX takes those as fast
    if (!quantization && ids.size() > kFewRows && kernels::usable({weight})) {
      const mx::array numbers = mx::astype(ids, mx::int32);
      return kernels::table_rows(weight, numbers, plain_rows);
    }
  }
  const mx::array rows = plain_rows({weight, ids})[0];
  if (!quantization) {
    return rows;
  }
  Quantization q = *quantization;
  q.scales = mx::take(q.scales, ids, 0);
  q.biases = mx::take(q.biases, ids, 0);
  return dequantize(rows, q);
}

// [snippet embedding-as-linear]
mx::array Embedding::as_linear(const mx::array& x) const {
  return quantization ? quantized_matmul(x, weight, *quantization)
                      : matmul_transposed(x, weight);
}
// [/snippet]

mx::array Embedding::full_weight() const {
  return quantization ? dequantize(weight, *quantization) : weight;
}

} // namespace llm::nn
