// SPDX-License-Identifier: MIT
//
// Topic 7: from the scores of a model to its next token. V is the size of the
// vocabulary; a token that is removed has the score -infinity.

#pragma once

#include <vector>

#include <mlx/ops.h>

#include "exercises/include/not_yet.h"

namespace mx = mlx::core;

namespace ex {

/** 7.1: logits [..., V] -> probabilities [..., V] at a temperature. */
mx::array probabilities(const mx::array& logits, float temperature);

/** 7.2: one token, by a random number u, 0 <= u < 1. */
int draw(const std::vector<float>& probabilities, float u);

/** 7.3: logits [..., V] -> the same, without the unlikely tail. */
mx::array keep_top_p(const mx::array& logits, float p);

} // namespace ex
