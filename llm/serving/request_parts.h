// SPDX-License-Identifier: MIT
//
// Parts that several requests have: the model, the sampler's settings, stop
// texts and interventions. Errors as in request_fields.h.

#pragma once

#include <string>
#include <vector>

#include "llm/generation/sampling_config.h"
#include "llm/inspect/intervention.h"
#include "llm/serving/request_fields.h"

namespace llm::serving {

/** "model", or "" for the default one. Whether it exists is found out later. */
std::string read_model(const Fields& fields);

/** Names of the sampler's settings, all but the seed. */
const std::vector<std::string>& sampling_names();
/** `extra`, those, and "seed". */
std::vector<std::string> with_sampling(std::vector<std::string> extra);
/** Sets the one of sampling_names() that `name` is. */
void read_sampling(
    const std::string& name,
    const Field& field,
    SamplingConfig& config);
/** Sets all that are there; true when "seed" is. */
bool read_sampling(const Fields& fields, SamplingConfig& config);

/** "system", "user" or "assistant". */
std::string read_role(const Field& field);

/** At most 16 texts of 1 to 256 bytes. */
std::vector<std::string> read_stop(const Field& field);

/** A list of at most 64. `replace_token`: whether that kind may be there: not
 * while a text is written. */
std::vector<inspect::Intervention>
read_interventions(const Field& field, size_t low, bool replace_token);

} // namespace llm::serving
