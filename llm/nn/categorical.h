// SPDX-License-Identifier: MIT

#pragma once

#include <mlx/array.h>

namespace llm::nn {

/** A draw from softmax(logits): logits [V] -> its index, an int32 scalar. The
 * same as mx::random::categorical(logits, -1, key), in a tenth of the time on a
 * CPU. */
mlx::core::array categorical(
    const mlx::core::array& logits,
    const mlx::core::array& key);

} // namespace llm::nn
