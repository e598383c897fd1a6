// SPDX-License-Identifier: MIT

#include "llm/generation/logits.h"

#include <cmath>
#include <limits>
#include <string>

#include <mlx/ops.h>

#include "llm/core/error.h"

namespace llm {

namespace {

constexpr float minus_infinity = -std::numeric_limits<float>::infinity();

mx::array keep(const mx::array& logits, const mx::array& mask) {
  return mx::where(mask, logits, mx::array(minus_infinity));
}

/** How often each token was seen, [V] float32. */
mx::array counts(const std::vector<int32_t>& seen, int vocabulary) {
  for (int32_t id : seen) {
    if (id < 0 || id >= vocabulary) {
      throw UsageError(
          "sampling",
          "expected seen token ids from 0 to " +
              std::to_string(vocabulary - 1) + " but received " +
              std::to_string(id) + "; use the tokenizer of this model.");
    }
  }
  const int n = static_cast<int>(seen.size());
  if (n == 0) {
    return mx::zeros({vocabulary});
  }
  return mx::scatter_add_axis(
      mx::zeros({vocabulary}),
      mx::array(seen.data(), {n}, mx::int32),
      mx::ones({n}),
      0);
}

/** The mask of the first tokens in ascending `cost`: those that come before
 * the probabilities of their predecessors sum to p, and always one. */
mx::array
cheapest_mass(const mx::array& logits, const mx::array& cost, float p) {
  const mx::array order = mx::argsort(cost, -1); // stable: lower id first
  const mx::array sorted =
      mx::take_along_axis(mx::softmax(logits, -1), order, -1);
  const mx::array before = mx::cumsum(sorted, -1, false, false);
  const mx::array first = mx::equal(mx::arange(logits.shape(-1)), mx::array(0));
  return mx::put_along_axis(
      mx::zeros(logits.shape(), mx::bool_),
      order,
      mx::logical_or(mx::less(before, mx::array(p)), first),
      -1);
}

} // namespace

mx::array penalize_repetition(
    const mx::array& logits,
    const std::vector<int32_t>& seen,
    float penalty) {
  const mx::array factor(penalty);
  const mx::array penalized = mx::where(
      mx::less(logits, mx::array(0.0f)),
      mx::multiply(logits, factor),
      mx::divide(logits, factor));
  const mx::array was_seen =
      mx::greater(counts(seen, logits.shape(-1)), mx::array(0.0f));
  return mx::where(was_seen, penalized, logits);
}

mx::array penalize_frequency(
    const mx::array& logits,
    const std::vector<int32_t>& seen,
    float penalty) {
  return mx::subtract(
      logits, mx::multiply(counts(seen, logits.shape(-1)), mx::array(penalty)));
}

mx::array penalize_presence(
    const mx::array& logits,
    const std::vector<int32_t>& seen,
    float penalty) {
  const mx::array once =
      mx::minimum(counts(seen, logits.shape(-1)), mx::array(1.0f));
  return mx::subtract(logits, mx::multiply(once, mx::array(penalty)));
}

mx::array keep_top_k(const mx::array& logits, int k) {
  const int vocabulary = logits.shape(-1);
  if (k >= vocabulary) {
    return logits;
  }
  const mx::array order = mx::argsort(mx::negative(logits), -1);
  const mx::array first = mx::less(mx::arange(vocabulary), mx::array(k));
  const mx::array mask = mx::put_along_axis(
      mx::zeros(logits.shape(), mx::bool_),
      order,
      mx::broadcast_to(first, logits.shape()),
      -1);
  return keep(logits, mask);
}

// [snippet top-p]
mx::array keep_top_p(const mx::array& logits, float p) {
  return keep(logits, cheapest_mass(logits, mx::negative(logits), p));
}
// [/snippet]

mx::array keep_min_p(const mx::array& logits, float p) {
  // [snippet min-p]
  const mx::array least =
      mx::add(mx::max(logits, -1, true), mx::array(std::log(p)));
  return keep(logits, mx::greater_equal(logits, least));
  // [/snippet]
}

mx::array keep_typical_p(const mx::array& logits, float p) {
  const mx::array surprise =
      mx::subtract(mx::logsumexp(logits, -1, true), logits); // -log P
  const mx::array probability = mx::softmax(logits, -1);
  const mx::array zero(0.0f);
  const mx::array terms = mx::where( // 0 log 0 = 0, for removed tokens
      mx::greater(probability, zero),
      mx::multiply(probability, surprise),
      zero);
  const mx::array entropy = mx::sum(terms, -1, true);
  const mx::array distance = mx::abs(mx::subtract(surprise, entropy));
  return keep(logits, cheapest_mass(logits, distance, p));
}

mx::array keep_allowed(const mx::array& logits, const mx::array& mask) {
  return keep(logits, mask);
}

mx::array keep_best(const mx::array& logits) {
  return keep(
      logits,
      mx::equal(mx::arange(logits.shape(-1)), mx::argmax(logits, -1, true)));
}

// [snippet temperature]
mx::array divide_by_temperature(const mx::array& logits, float temperature) {
  return mx::divide(
      mx::subtract(logits, mx::max(logits, -1, true)), mx::array(temperature));
}
// [/snippet]

} // namespace llm
