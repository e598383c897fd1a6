// SPDX-License-Identifier: MIT

#include "llm/inspect/lens.h"

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/core/error.h"

namespace llm::inspect {

namespace {

using Distributions = std::vector<std::vector<double>>; // one for a position

/** What the residual stream x [n, C] says. */
Distributions spoken(const LanguageModel& model, const mx::array& x) {
  const mx::array logits =
      mx::contiguous(mx::astype(model.unembed(x), mx::float32)); // [n, V]
  mx::eval(logits);
  Distributions out;
  for (int i = 0; i < logits.shape(0); ++i) {
    const mx::array row = mx::take(logits, i, 0);
    mx::eval(row);
    out.push_back(probabilities(row));
  }
  return out;
}

LensCell cell_of(
    const std::vector<double>& here,
    const std::vector<double>& final,
    int top_k) {
  return {
      likeliest(here, top_k),
      kl(final, here),
      rank(here, likeliest(final, 1).at(0).id)};
}

} // namespace

Lens logit_lens(
    const LanguageModel& model,
    const Reading& reading,
    int from,
    int to,
    int top_k,
    const std::function<bool()>& go_on) {
  constexpr int most = 32;
  if (to - from > most) {
    throw UsageError(
        "lens",
        "expected at most 32 positions but received " +
            std::to_string(to - from) + "; move the window instead.");
  }
  // [snippet lens]
  const std::vector<mx::array> stream = residuals(model, reading, from, to);
  const Distributions final = spoken(model, stream.back());
  Lens out{.from = from, .to = to, .cells = {}};
  for (const mx::array& x : stream) {
    const Distributions here = spoken(model, x);
    std::vector<LensCell>& cells = out.cells.emplace_back();
    for (size_t i = 0; i < here.size(); ++i) {
      cells.push_back(cell_of(here[i], final[i], top_k));
    }
    if (go_on && !go_on()) {
      out.cells.clear();
      break;
    }
  }
  return out;
  // [/snippet]
}

} // namespace llm::inspect
