// SPDX-License-Identifier: MIT
//
// Exercise 6.3 ★★★ The training loop
//
// For step = 1 .. steps:
//   1. the loss of loss(parameters, step) and its gradients
//   2. if the gradients are longer than max_norm, shorten all of them by the
//      same factor max_norm / length, where length^2 is the sum of the squares
//      of all numbers of all gradients
//   3. parameters = update(parameters, gradients, step)
//
// Returns the losses as they were before each update: `steps` numbers.
//
// Use: this gives both, the loss and a gradient for each parameter:
//   const std::function<mx::array(const Arrays&)> f = ...; // a lambda
//   auto [value, gradients] = mx::value_and_grad(f, which)(parameters);
//
// `which` lists the arguments 0, 1, ... as std::vector<int>; [&] lets a lambda
// use loss and step. value.item<float>() computes the number.

#include "exercises/include/training.h"

std::vector<float> ex::train(
    Arrays& parameters,
    const Loss& loss,
    const Update& update,
    int steps,
    float max_norm) {
  not_yet(parameters, loss, update, steps, max_norm); // your code here
}
