// SPDX-License-Identifier: MIT
//
// Exercise 6.2 ★★ AdamW
//
//   m = beta1 m + (1 - beta1) g            p = p - lr weight_decay p
//   v = beta2 v + (1 - beta2) g^2          p = p - lr m^ / (sqrt(v^) + eps)
//   m^ = m / (1 - beta1^step)
//   v^ = v / (1 - beta2^step)              in this order
//
// g is the gradient, p the parameter, all of one shape. m and v start at zero,
// so they are too small at first: m^ and v^ correct that. The step counts from
// 1. Keep m and v in `moments` for the next step; return the new p.
// Use: mx::square, mx::sqrt; std::pow(beta, step) of <cmath>.

#include "exercises/include/training.h"

mx::array ex::adamw(
    const mx::array& parameter,
    const mx::array& gradient,
    Moments& moments,
    int step,
    const AdamW& config) {
  not_yet(parameter, gradient, moments, step, config); // your code here
}
