// SPDX-License-Identifier: MIT
//
// Exercise 6.2 ★★ AdamW
//
// The decay shrinks p by itself, apart from the gradient: inside it, it would
// be divided by sqrt(v^) like everything else, which is the difference of AdamW
// and Adam. eps is outside of the root, as in the paper and in PyTorch.

#include "exercises/include/training.h"

#include <cmath>

mx::array ex::adamw(
    const mx::array& parameter,
    const mx::array& gradient,
    Moments& moments,
    int step,
    const AdamW& c) {
  auto& [m, v] = moments;
  m = c.beta1 * m + (1 - c.beta1) * gradient;
  v = c.beta2 * v + (1 - c.beta2) * mx::square(gradient);
  const mx::array m_hat = m / (1 - std::pow(c.beta1, step));
  const mx::array v_hat = v / (1 - std::pow(c.beta2, step));
  const mx::array kept = parameter * (1 - c.lr * c.weight_decay);
  return kept - c.lr * m_hat / (mx::sqrt(v_hat) + c.eps);
}
