// SPDX-License-Identifier: MIT
//
// Arrays that are filled in place: a weight goes from the file into its final
// memory, with no copy beside it.

#pragma once

#include <cstdint>

#include <mlx/array.h>

#include "llm/core/byte_source.h"

namespace llm {

/** An evaluated array and its memory, row-major, to be filled. */
struct NewArray {
  mlx::core::array array;
  char* bytes;
};

/** Memory for `shape`, not initialized. */
NewArray new_array(const mlx::core::Shape& shape, mlx::core::Dtype type);

/** The array whose bytes begin at `offset`; errors of ByteSource::read. */
mlx::core::array read_array(
    const ByteSource& source,
    uint64_t offset,
    const mlx::core::Shape& shape,
    mlx::core::Dtype type);

} // namespace llm
