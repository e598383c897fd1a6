// SPDX-License-Identifier: MIT
//
// Counting first: n-gram models over token ids, the ladder that every neural
// model must beat. Order n counts the predicted token: n = 5 predicts from 4
// tokens. Two kinds:
//   add-k         p(c|h) = (count(hc) + k) / (count(h) + k V)
//   Witten-Bell   p(c|h) = (count(hc) + N(h) p(c|h')) / (count(h) + N(h)),
// N(h) = number of different tokens seen after h, h' = h without its oldest
// token, down to the uniform 1/V (Witten and Bell, IEEE Trans. IT 37, 1991).

#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace llm {

/** One rung; all losses are nats per token of the validation text. */
struct NgramResult {
  std::string model; ///< "uniform", "add-k" or "witten-bell"
  int n = 0;         ///< order; 0 for uniform
  double k = 0;      ///< add-k's k; 0 elsewhere
  double val_nats_per_char = 0;
};

/** Mean -log p of every token of `val` that has n - 1 tokens before it in
 * `val`. */
double add_k(
    const std::vector<int32_t>& train,
    const std::vector<int32_t>& val,
    int vocab_size,
    int n,
    double k);

/** The same for Witten-Bell, over the same tokens. */
double witten_bell(
    const std::vector<int32_t>& train,
    const std::vector<int32_t>& val,
    int vocab_size,
    int n);

/** uniform; add-k of orders 1 to 5 (k = 1, 1, 0.1, 0.03, 0.03); Witten-Bell of
 * orders 2 to 8. InputError if a text is empty or an id is out of range. */
std::vector<NgramResult> ngram_ladder(
    const std::vector<int32_t>& train,
    const std::vector<int32_t>& val,
    int vocab_size);

/** Mean -log of the relative frequency (no smoothing) on the sequences that
 * were counted, as makemore does for names: each sequence has n - 1 `boundary`
 * tokens before it and one after it. */
double counted_loss(
    const std::vector<std::vector<int32_t>>& sequences,
    int32_t boundary,
    int n);

} // namespace llm
