// SPDX-License-Identifier: MIT
//
// Walks over the rows of a layer's attention, without ever holding a T x T
// matrix of all heads. Internal to inspect.

#pragma once

#include <functional>
#include <optional>

#include "llm/inspect/attention.h"

namespace llm::inspect {

/** (head, query, its weights [query + 1], their entropy in nats). */
using TakeRow = std::function<void(int, int, const float*, float)>;

/** The layer, if its queries were kept; UsageError otherwise. */
const LayerReading& captured_layer(const Reading& reading, int layer);

/** Calls `take` for every query of every head, or of one head. Heads may be
 * walked side by side by several threads; a head is one thread's. The queries
 * come in no order. */
void for_rows(
    const Reading& reading,
    int layer,
    std::optional<int> head,
    const TakeRow& take);

} // namespace llm::inspect
