// SPDX-License-Identifier: MIT
//
// Exercise 6.2 ★★ AdamW
//
//   m  = beta1 m + (1 - beta1) g         running mean of the gradient
//   v  = beta2 v + (1 - beta2) g^2       and of its square
//   m^ = m / (1 - beta1^step)            they start at zero, so they are too
//   v^ = v / (1 - beta2^step)            small at first
//   p  = p - lr weight_decay p           the decay, apart from the gradient
//   p  = p - lr m^ / (sqrt(v^) + eps)
//
// g is the gradient, p the parameter, all of one shape. The step counts from 1.
// Keep m and v in `moments` for the next step; return the new p.
//
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
