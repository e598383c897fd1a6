// SPDX-License-Identifier: MIT
//
// Checks that every model's config needs, in one wording.

#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "llm/core/error.h"

namespace llm {

inline void check_positive(
    std::string_view where,
    const std::string& name,
    int value,
    int largest = 1 << 20) {
  if (value < 1 || value > largest) {
    throw UsageError(
        where,
        "expected " + name + " from 1 to " + std::to_string(largest) +
            " but received " + std::to_string(value) + ".");
  }
}

inline void check_divides(
    std::string_view where,
    const std::string& name,
    int divisor,
    const std::string& of,
    int value) {
  if (value % divisor != 0) {
    int below = divisor, above = divisor; // the nearest that would do
    while (below > 1 && value % below != 0) {
      --below;
    }
    while (above < value && value % above != 0) {
      ++above;
    }
    above = std::min(above, value);
    throw UsageError(
        where,
        "expected " + name + " to divide " + of + " but " +
            std::to_string(divisor) + " does not divide " +
            std::to_string(value) + "; choose " + name + " = " +
            std::to_string(below) +
            (above > below ? " or " + std::to_string(above) : "") + ".");
  }
}

/** Of a model with rotary positions and grouped queries. */
inline void
check_heads(std::string_view where, int heads, int kv_heads, int head_dim) {
  check_positive(where, "heads", heads);
  check_positive(where, "key-value heads", kv_heads);
  check_positive(where, "head_dim", head_dim);
  check_divides(
      where, "key-value heads", kv_heads, "the number of heads", heads);
  if (head_dim % 2 != 0) {
    throw UsageError(
        where,
        "expected an even head_dim, since rotary positions turn pairs, but "
        "received " +
            std::to_string(head_dim) + ".");
  }
}

inline void check_probability(
    std::string_view where,
    const std::string& name,
    float value) {
  if (!(value >= 0.0f && value < 1.0f)) {
    throw UsageError(
        where,
        "expected " + name + " from 0 to below 1 but received " +
            std::to_string(value) + ".");
  }
}

/** The float as the double with the fewest digits that reads back as the same
 * float: 1e-5f becomes 1e-5, not 9.99999974e-06, in a JSON file. */
inline double shortest(float value) {
  char text[32];
  for (int digits = 1; digits <= 9; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    if (std::strtof(text, nullptr) == value) {
      break;
    }
  }
  return std::strtod(text, nullptr);
}

} // namespace llm
