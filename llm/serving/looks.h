// SPDX-License-Identifier: MIT
//
// What can be asked of a run: the answers of GET /api/runs/{run}/{what}.

#pragma once

#include <map>
#include <string>

#include "llm/inspect/whatif.h"
#include "llm/serving/run_store.h"
#include "llm/serving/service.h"

namespace llm::serving {

using Query = std::map<std::string, std::string>;

/** ApiError for a `what` that does not exist or a query that is wrong. */
Answer look(const Run& run, const std::string& what, Query query, int seconds);

/** The run itself: tokens, sizes, bytes. */
Json describe(const Run& run, int seconds);

/** Reads what POST /api/inspect asks for. ApiError, UsageError. */
Run read_run(const ModelHandle& model, const InspectRequest& request);

/** The tokens of a text, with the bytes [start, end) that each stands for. */
Json tokens_of(
    const Tokenizer& tokenizer,
    const std::string& text,
    bool special);

/** The answer to POST /api/whatif beside describe(): how the next token's
 * distribution moved. */
Json to_json(const inspect::WhatIf& change, const Run& run);

} // namespace llm::serving
