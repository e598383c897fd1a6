// SPDX-License-Identifier: MIT

#include "llm/training/muon.h"

#include <sstream>

#include <mlx/ops.h>

#include "llm/nn/matmul.h"

namespace llm {

bool uses_muon(const std::string& path, const mx::array& parameter) {
  if (parameter.ndim() != 2 || path.find("embed") != std::string::npos) {
    return false;
  }
  std::istringstream components(path);
  for (std::string name; std::getline(components, name, '.');) {
    if (name == "wte" || name == "wpe" || name == "head" || name == "lm_head") {
      return false;
    }
  }
  return true;
}

mx::array orthogonalize(const mx::array& matrix, int steps) {
  const auto [a, b, c] = newton_schulz; // x <- a x + b (x x^T) x + ...
  const bool tall = matrix.shape(0) > matrix.shape(1); // then x x^T is larger
  mx::array x = tall ? mx::transpose(matrix) : matrix;
  // The Frobenius norm bounds the largest singular value; 1e-7 allows zeros.
  x = x / mx::maximum(mx::sqrt(mx::sum(mx::square(x))), mx::array(1e-7f));
  for (int i = 0; i < steps; ++i) {
    const mx::array gram = nn::matmul(x, mx::transpose(x));
    const mx::array update = b * gram + c * nn::matmul(gram, gram);
    x = a * x + nn::matmul(update, x);
  }
  return tall ? mx::transpose(x) : x;
}

} // namespace llm
