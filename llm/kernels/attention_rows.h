// SPDX-License-Identifier: MIT
//
// The rows of causal attention on a CPU, for pictures and for what is said of
// heads. Not an operation of MLX: it reads arrays that are evaluated.

#pragma once

#include <functional>

#include "llm/kernels/node.h"

namespace llm::kernels {

/** (head, query, its weights [query + 1], their entropy in nats). The weights
 * are gone when it returns. */
using TakeRow = std::function<void(int, int, const float*, float)>;

/** Calls `take` for every head and query of q [1, H, T, D], k [1, H_kv, T, D]
 * (float32, evaluated): each head by one thread, several heads at a time, the
 * queries in no order. A query sees `window` keys up to itself; 0: all. */
void attention_rows(
    const mx::array& q,
    const mx::array& k,
    float scale,
    int window,
    const TakeRow& take);

} // namespace llm::kernels
