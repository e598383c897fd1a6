// SPDX-License-Identifier: MIT
//
// The logit lens (nostalgebraist 2020): what the model would say if it stopped
// after each layer, by its own final norm and head. Limits: early layers need
// not speak the head's language yet (a "tuned lens" would translate), so what
// looks like nonsense there may be none.

#pragma once

#include <functional>
#include <vector>

#include "llm/inspect/distribution.h"
#include "llm/inspect/reading.h"

namespace llm::inspect {

struct LensCell {
  std::vector<TokenProbability> top; ///< best first
  double kl = 0;      ///< from the last layer's distribution to this one, nats
  int rank_final = 1; ///< of the last layer's best token, here
};

/** cells[layer][position - from]; layer 0 is the embeddings, the last one the
 * model's own output. */
struct Lens {
  int from = 0, to = 0;
  std::vector<std::vector<LensCell>> cells;
};

/** Positions from..to-1, at most 32: layers x width x vocabulary products each.
 * `go_on` is asked between layers; false gives up (no cells). UsageError for
 * positions out of range. */
Lens logit_lens(
    const LanguageModel& model,
    const Reading& reading,
    int from,
    int to,
    int top_k = 5,
    const std::function<bool()>& go_on = {});

} // namespace llm::inspect
