// SPDX-License-Identifier: MIT
//
// Exercise 6.3 ★★★ The training loop
//
// item() waits for the number, so each step's graph is computed and freed
// before the next one is built.

#include "exercises/include/training.h"

#include <numeric>

namespace {

/** The gradients, shortened together to `max_norm` if they are longer. */
ex::Arrays clip(const ex::Arrays& gradients, float max_norm) {
  mx::array squares = mx::array(0.0f);
  for (const mx::array& gradient : gradients) {
    squares = squares + mx::sum(mx::square(gradient));
  }
  const mx::array length = mx::sqrt(squares);
  const mx::array factor =
      mx::minimum(mx::array(1.0f), max_norm / (length + 1e-6f));
  ex::Arrays clipped;
  for (const mx::array& gradient : gradients) {
    clipped.push_back(gradient * factor);
  }
  return clipped;
}

} // namespace

std::vector<float> ex::train(
    Arrays& parameters,
    const Loss& loss,
    const Update& update,
    int steps,
    float max_norm) {
  std::vector<int> all(parameters.size());
  std::iota(all.begin(), all.end(), 0);
  std::vector<float> losses;
  for (int step = 1; step <= steps; ++step) {
    const std::function<mx::array(const Arrays&)> f = [&](const Arrays& p) {
      return loss(p, step);
    };
    auto [value, gradients] = mx::value_and_grad(f, all)(parameters);
    parameters = update(parameters, clip(gradients, max_norm), step);
    losses.push_back(value.item<float>());
  }
  return losses;
}
