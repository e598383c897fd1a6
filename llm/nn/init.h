// SPDX-License-Identifier: MIT
//
// Initial values from (seed, name): the same name gets the same numbers
// whatever other layers a model has, and a copy never repeats another's.

#pragma once

#include <string>

#include <mlx/random.h>

#include "llm/core/random.h"
#include "llm/nn/module.h"

namespace llm::nn {

/** Normal(0, deviation) with the shape and dtype of `like`, by (seed, path). */
inline mx::array normal_init(
    const mx::array& like,
    float deviation,
    uint64_t seed,
    const std::string& path) {
  return mx::random::normal(
      like.shape(),
      like.dtype(),
      0.0f,
      deviation,
      mx::random::key(random_key(seed, path)));
}

} // namespace llm::nn
