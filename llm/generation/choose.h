// SPDX-License-Identifier: MIT
//
// From logits to a token: grammar, sampler chain, draw, and what is told about
// it. Lazy until the caller evaluates everything of a step at once. Internal.

#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <mlx/array.h>

#include "llm/generation/generation_row.h"

namespace llm {

/** The logits [V] that the next token of `row` is drawn from: cut to the
 * tokenizer's vocabulary, in the grammar at `state`, after the chain that sees
 * the tokens `seen`. */
mx::array final_logits(
    const mx::array& logits,
    const std::vector<SamplerStage>& chain,
    const std::vector<int32_t>& seen,
    TokenGrammar* grammar,
    TokenGrammar::State state,
    int vocabulary);

/** A token that was drawn but not evaluated. */
struct Choice {
  mx::array id;         // int32 scalar
  mx::array logprob;    // float32 scalar
  mx::array raw, final; // logits [V]; evaluate them if they are looked at
  std::vector<mx::array> stages; // see stage_logits; greedy: but the last one
  std::optional<mx::array> best = {}; // greedy: all that `final` leaves, int32
};

/** The same step by step: as the chain gets them, then after each stage. */
std::vector<mx::array> stage_logits(
    const mx::array& logits,
    const std::vector<SamplerStage>& chain,
    const std::vector<int32_t>& seen,
    TokenGrammar* grammar,
    TokenGrammar::State state,
    int vocabulary);

/** Chooses the token after row.text(), from the model's logits [V]; `unknown`
 * more tokens stand between them, of which a choice that needs_no_text() knows
 * nothing. */
Choice choose(
    const GenerationRow& row,
    const mx::array& logits,
    const std::vector<SamplerStage>& chain,
    const GenerateOptions& options,
    size_t unknown = 0);

/** True if a token is chosen from the logits alone, whatever was chosen before
 * it: a GPU can then go on before anybody has seen it. */
bool needs_no_text(const GenerateOptions& options);

/** Adds what has to be evaluated. */
void collect(
    const Choice& choice,
    const GenerateOptions& options,
    std::vector<mx::array>& outputs);

/** The token of an evaluated choice. */
GeneratedToken token_of(const Choice& choice, const GenerateOptions& options);

/** The k likeliest of evaluated logits [V], best first; removed tokens (-inf)
 * are left out. */
std::vector<TokenProbability> likeliest(const mx::array& logits, int k);

} // namespace llm
