// SPDX-License-Identifier: MIT
//
// Numbers about a distribution over the next token, from logits that are
// evaluated. Everything in nats; -inf is a token that was removed.

#pragma once

#include <cstdint>
#include <vector>

#include <mlx/array.h>

namespace llm::inspect {

namespace mx = mlx::core;

struct TokenProbability {
  int32_t id = 0;
  float p = 0;
};

/** softmax of logits [V], in double. */
std::vector<double> probabilities(const mx::array& logits);

/** -sum p log p. */
double entropy(const std::vector<double>& p);

/** 1 + how many tokens are likelier than `id`; of equal ones the lower id is
 * the likelier. */
int rank(const std::vector<double>& p, int32_t id);

/** The k likeliest, best first; those with p = 0 are left out. */
std::vector<TokenProbability> likeliest(const std::vector<double>& p, int k);

/** sum p log(p / q): how far q is from p. */
double kl(const std::vector<double>& p, const std::vector<double>& q);

} // namespace llm::inspect
