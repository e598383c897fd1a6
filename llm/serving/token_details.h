// SPDX-License-Identifier: MIT
//
// What is told about a token besides its text: how likely it was, what else was
// likely, and which stage of the sampler chain removed what. In two halves: the
// graph that is evaluated with the step, and the numbers read from it.

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "llm/generation/choose.h"
#include "llm/nn/loss.h"
#include "llm/serving/events.h"

namespace llm::serving {

/** Arrays beside those of a Choice: of the model's distribution, and of what
 * the token is drawn from. */
struct DetailGraph {
  nn::Spread raw;
  std::optional<nn::Spread> final; // greedy: one token has all, see Choice.best
};

DetailGraph detail_graph(const Choice& choice);

/** Adds what has to be evaluated. */
void collect(
    const Choice& choice,
    const DetailGraph& graph,
    std::vector<mx::array>& outputs);

/** From evaluated arrays; the `top` likeliest tokens of the model. */
TokenEvent::Details details_of(
    const Choice& choice,
    const DetailGraph& graph,
    int top,
    const std::vector<SamplerStage>& chain,
    const Tokenizer& tokenizer);

/** A token for people and for programs. */
TokenText token_text(const Tokenizer& tokenizer, int32_t id);

} // namespace llm::serving
