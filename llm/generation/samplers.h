// SPDX-License-Identifier: MIT
//
// How the next token is chosen: a chain of the functions in logits.h, in the
// order of llama.cpp (common_params_sampling), then one draw from what is left:
//   repetition, frequency, presence penalty -> top-k -> typical-p -> top-p
//   -> min-p -> temperature
// Temperature comes last, so that the filters judge the probabilities of the
// model and a high temperature brings no removed token back. Others differ:
// Hugging Face puts temperature first and typical-p last; mlx-lm runs top-p,
// min-p, top-k, temperature. A stage that has nothing to do is not in the
// chain.

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <mlx/array.h>

#include "llm/generation/sampling_config.h"

namespace llm {

namespace mx = mlx::core;

/** One function of the chain, with its value. */
struct SamplerStage {
  std::string name;   ///< "top-k"
  std::string effect; ///< one sentence: "keeps the 40 most likely tokens"
  /// (logits [V] or [B, V] float32, ids of the text so far) -> logits
  std::function<mx::array(const mx::array&, const std::vector<int32_t>&)> apply;
};

/** The active stages in their order. With temperature 0 only the penalties and
 * "greedy": no filter changes which token is best, save typical-p, which is
 * left out then as in Hugging Face's greedy search. Throws as check(). */
std::vector<SamplerStage> make_chain(const SamplingConfig& config);

/** One numbered line for each stage, for people; the last is the draw. */
std::string describe(const std::vector<SamplerStage>& chain);

/** The logits after all stages, float32, shape as before. Lazy. */
mx::array apply_chain(
    const std::vector<SamplerStage>& chain,
    const mx::array& logits,
    const std::vector<int32_t>& seen);

/** The key of the token at `position` (0: the first that is generated): the
 * draw of token i depends on seed and i only, not on what ran before. */
mx::array sample_key(uint64_t seed, uint64_t position);

/** logits [V] -> one token id, int32 scalar, not evaluated yet. Draws by
 * argmax(logits + Gumbel noise of `key`), which is a draw from softmax. */
mx::array draw(
    const mx::array& logits,
    const std::vector<SamplerStage>& chain,
    const std::vector<int32_t>& seen,
    const mx::array& key);

/** The same, evaluated. */
int32_t sample(
    const mx::array& logits,
    const std::vector<SamplerStage>& chain,
    const std::vector<int32_t>& seen,
    const mx::array& key);

} // namespace llm
