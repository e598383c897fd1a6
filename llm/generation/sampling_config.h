// SPDX-License-Identifier: MIT
//
// The settings of the sampler chain (samplers.h). No MLX here: what reads them
// from a command line or from JSON needs none.

#pragma once

#include <cstdint>

namespace llm {

/** The defaults draw from the model's own distribution. */
struct SamplingConfig {
  float temperature = 1;        ///< 0: greedy, else 0.001 to 100
  int top_k = 0;                ///< 0: off
  float top_p = 1;              ///< 0 to 1; 1: off
  float min_p = 0;              ///< 0 to 1; 0: off
  float typical_p = 1;          ///< 0 to 1; 1: off
  float repetition_penalty = 1; ///< 0.01 to 100; 1: off
  float frequency_penalty = 0;  ///< -2 to 2, as in OpenAI's API; 0: off
  float presence_penalty = 0;   ///< -2 to 2; 0: off
  uint64_t seed = 0;
};

/** Throws UsageError that names the option and its range (NaN too). */
void check(const SamplingConfig& config);

} // namespace llm
