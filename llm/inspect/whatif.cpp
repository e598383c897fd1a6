// SPDX-License-Identifier: MIT

#include "llm/inspect/whatif.h"

#include <algorithm>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/nn/loss.h"

namespace llm::inspect {

namespace {

/** KL from the one reading's next-token distributions to the other's, at
 * positions from..to-1. */
void add_kl(
    const LanguageModel& model,
    const Reading& before,
    const Reading& after,
    int from,
    int to,
    std::vector<double>& out) {
  const auto log_p = [&](const Reading& reading) {
    const mx::array x = mx::astype(
        model.unembed(residuals(model, reading, from, to).back()),
        mx::float32); // [n, V]
    return mx::subtract(x, mx::expand_dims(nn::spread(x).log_sum_exp, -1));
  };
  const mx::array p = log_p(before), q = log_p(after);
  const mx::array kl = mx::contiguous(
      mx::sum(mx::multiply(mx::exp(p), mx::subtract(p, q)), -1)); // [n]
  mx::eval(kl);
  out.insert(out.end(), kl.data<float>(), kl.data<float>() + kl.size());
}

} // namespace

std::optional<WhatIf> what_if(
    const LanguageModel& model,
    const Reading& before,
    const std::vector<Intervention>& interventions,
    const ReadOptions& options,
    int top_k) {
  ReadOptions all = options;
  all.interventions = before.interventions;
  all.interventions.insert(
      all.interventions.end(), interventions.begin(), interventions.end());
  std::optional<Reading> reading = read(model, before.tokens, all);
  if (!reading) {
    return std::nullopt;
  }
  WhatIf out{.reading = std::move(*reading)};
  const auto p = probabilities(before.last_logits);
  const auto q = probabilities(out.reading.last_logits);
  out.kl = kl(p, q);
  out.top_before = likeliest(p, top_k);
  out.top_after = likeliest(q, top_k);
  constexpr int some = 64; // positions whose logits are held at once
  for (int at = 0; at < before.length(); at += some) {
    if (options.go_on && !options.go_on()) {
      return std::nullopt;
    }
    const int end = std::min(before.length(), at + some);
    add_kl(model, before, out.reading, at, end, out.kl_by_position);
  }
  return out;
}

} // namespace llm::inspect
