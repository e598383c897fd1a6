// SPDX-License-Identifier: MIT
//
// Pictures of attention as bytes. A byte is 255 sqrt(p), so that small weights
// can be told apart (error of p at most 0.004); numbers are never read from it.

#pragma once

#include <cstddef>
#include <string>

#include "llm/inspect/attention.h"

namespace llm::serving {

/** All s * s cells, row by row, one byte each. */
std::string square(const inspect::Picture& picture);

/** The lower triangle: row i has i + 1 cells; one byte each. */
std::string triangle(const inspect::Picture& picture);

/** The same as it is, in half precision (IEEE 754, little-endian). */
std::string triangle_of_halves(const inspect::Picture& picture);

/** Divides by the largest cell, which is returned (0 stays). */
float scale_to_one(inspect::Picture& picture);

/** float32, little-endian. */
std::string little_endian(const float* values, size_t count);

} // namespace llm::serving
