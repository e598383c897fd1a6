// SPDX-License-Identifier: MIT
//
// The sines and cosines of rotary positions, computed once for each way of
// turning and kept.

#pragma once

#include <memory>
#include <vector>

#include "llm/kernels/decode.h"

namespace llm::kernels {

/** Of each angle, [positions, D / 2] each, times the magnitude. */
struct Turns {
  int positions;
  std::vector<float> cosines, sines;
};

/** For at least so many positions. */
std::shared_ptr<const Turns>
turns_for(int D, const Turning& turning, int positions);

/** One row of 2 * half elements; `turn` is 1 or, to turn back, -1. */
void turn_row(
    const float* x,
    const float* cosines,
    const float* sines,
    float turn,
    float* y,
    int64_t half);

} // namespace llm::kernels
