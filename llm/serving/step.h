// SPDX-License-Identifier: MIT
//
// One token for each of several lanes of one model: read together as a ragged
// batch, evaluated once. A lane's bits do not depend on the others.

#pragma once

#include <vector>

#include "llm/serving/lane.h"

namespace llm::serving {

/** At most 16 lanes that share a model; or one that is alone(). Tells each its
 * token. A lane whose logits are no numbers ends with an error; what is thrown
 * here concerns all of them. */
void step(const std::vector<Lane*>& lanes);

} // namespace llm::serving
