// SPDX-License-Identifier: MIT
//
// The small functions a sampler chain is made of. Each takes the logits of the
// next token, [V] or [B, V] float32, and returns logits of the same shape; a
// token that is removed gets -inf, so that softmax gives it probability 0.
// They are MLX operations only (no loop over the vocabulary, no random number),
// lazy, for any device. Of tokens that are equally good the lower id stays.
// `seen` are the token ids of the text so far (the same for every row of B).

#pragma once

#include <cstdint>
#include <vector>

#include <mlx/array.h>

namespace llm {

namespace mx = mlx::core;

/** Divides the logit of a seen token by `penalty` when it is positive and
 * multiplies it when it is negative (Keskar et al., CTRL, arXiv 1909.05858).
 * Over 1 discourages repetition. Throws UsageError for an id outside 0..V-1. */
mx::array penalize_repetition(
    const mx::array& logits,
    const std::vector<int32_t>& seen,
    float penalty);

/** logit - penalty * (how often the token was seen): OpenAI's
 * frequency_penalty. Throws UsageError for an id outside 0..V-1. */
mx::array penalize_frequency(
    const mx::array& logits,
    const std::vector<int32_t>& seen,
    float penalty);

/** logit - penalty when the token was seen at all: OpenAI's presence_penalty.
 * Throws UsageError for an id outside 0..V-1. */
mx::array penalize_presence(
    const mx::array& logits,
    const std::vector<int32_t>& seen,
    float penalty);

/** Keeps the k most likely tokens, exactly k of them (all when k >= V)
 * (Fan et al., arXiv 1805.04833). */
mx::array keep_top_k(const mx::array& logits, int k);

/** Keeps the fewest most likely tokens whose probabilities sum to p or more,
 * at least one: the nucleus (Holtzman et al., arXiv 1904.09751). */
mx::array keep_top_p(const mx::array& logits, float p);

/** Keeps the tokens at least p times as likely as the most likely one
 * (Nguyen et al., arXiv 2407.01082); p = 0 keeps all. */
mx::array keep_min_p(const mx::array& logits, float p);

/** Keeps the tokens whose surprise -log P is nearest to the entropy, until
 * their probabilities sum to p or more, at least one (Meister et al., arXiv
 * 2202.00666). The most likely token may be removed. */
mx::array keep_typical_p(const mx::array& logits, float p);

/** Keeps the tokens where `mask`, bool [V], is true: what a grammar allows. */
mx::array keep_allowed(const mx::array& logits, const mx::array& mask);

/** Keeps only the most likely token: greedy decoding. */
mx::array keep_best(const mx::array& logits);

/** (logits - max) / temperature. Under 1 sharpens, over 1 flattens; the shift
 * changes no probability and keeps a small temperature from overflowing. */
mx::array divide_by_temperature(const mx::array& logits, float temperature);

} // namespace llm
