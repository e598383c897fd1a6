// SPDX-License-Identifier: MIT
//
// How config.json says that positions turn: the longest period and, in models
// that were stretched to longer texts, a scaling. Newer files keep all of it in
// "rope_parameters", older ones in "rope_theta" and "rope_scaling". We write
// the older form, which every library still reads.

#pragma once

#include <string>

#include "llm/core/json.h"
#include "llm/nn/rope.h"

namespace llm {

struct RopeConfig {
  float theta = 10000.0f; ///< the base
  Json scaling;           ///< null, or "rope_type" and its numbers as read

  /** From a whole config.json; `where` names it in errors. InputError for a
   * type that is not linear, llama3 or yarn, or numbers that make no sense. */
  static RopeConfig from_json(
      const Json& config,
      const std::string& where,
      float default_theta = 10000.0f);

  /** From the object with rope_type, rope_theta and the other numbers. */
  static RopeConfig from_parameters(
      const Json& parameters,
      const std::string& where,
      float default_theta);

  /** For heads of `head_dim` values in a model with this context. */
  nn::Rope make(int head_dim, int context) const;

  /** Adds "rope_theta" and, if there is one, "rope_scaling". */
  void write(Json& config) const;
};

} // namespace llm
