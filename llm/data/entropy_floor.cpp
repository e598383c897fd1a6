// SPDX-License-Identifier: MIT
//
// The reader of stream_filter.h sent over the windows of an evaluation.

#include <algorithm>
#include <cmath>

#include "llm/core/error.h"
#include "llm/data/stream_filter.h"

namespace llm {
namespace {

struct Mean {
  double value = 0; // per scored character
  double error = 0; // standard error, windows taken as independent
  int64_t windows = 0;
};

// -log p of the scored characters of one window, summed.
double window_loss(
    StreamFilter& filter,
    std::string_view text,
    const EvalWindow& window) {
  filter.start_anywhere();
  filter.read(text[window.start]); // seen, never scored
  double loss = 0;
  for (int64_t j = 0; j < window.length; j++) {
    const double log_p = filter.read(text[window.start + j + 1]);
    if (!std::isfinite(log_p)) {
      throw InputError(
          "EntropyFloor",
          "expected text of the grammar but character " +
              std::to_string(window.start + j + 1) +
              " cannot follow; use text that the grammar generated.");
    }
    loss -= j >= window.first_scored ? log_p : 0;
  }
  return loss;
}

Mean mean_loss(
    StreamFilter& filter,
    std::string_view text,
    const std::vector<EvalWindow>& windows,
    int64_t max_windows) {
  const auto total = static_cast<int64_t>(windows.size());
  const auto count = max_windows > 0 ? std::min(max_windows, total) : total;
  std::vector<double> losses;
  std::vector<double> scored;
  double loss = 0;
  double characters = 0;
  for (int64_t i = 0; i < count; i++) {
    const auto& window = windows[i * total / count];
    losses.push_back(window_loss(filter, text, window));
    scored.push_back(static_cast<double>(window.length - window.first_scored));
    loss += losses.back();
    characters += scored.back();
  }
  Mean mean{loss / characters, 0, count};
  double squares = 0; // of a ratio: deviations from mean times characters
  for (size_t i = 0; i < losses.size(); i++) {
    const double d = losses[i] - mean.value * scored[i];
    squares += d * d;
  }
  if (count > 1) {
    const auto n = static_cast<double>(count);
    mean.error = std::sqrt(squares * n / (n - 1)) / characters;
  }
  return mean;
}

} // namespace

EntropyFloor entropy_floor(
    const Grammar& grammar,
    std::string_view text,
    int context,
    int64_t max_windows) {
  if (context < 1 || text.size() < 2) {
    throw InputError(
        "EntropyFloor",
        "expected a context of at least 1 and a text of at least 2 characters "
        "but received " +
            std::to_string(context) + " and " + std::to_string(text.size()) +
            "; use a longer text.");
  }
  StreamFilter filter(grammar);
  const auto n = static_cast<int64_t>(text.size());
  const auto fixed =
      mean_loss(filter, text, fixed_windows(n, context), max_windows);
  const auto sliding =
      mean_loss(filter, text, sliding_windows(n, context), max_windows);
  EntropyFloor floor;
  floor.source = grammar.statistics().nats_per_char();
  floor.fixed_windows = fixed.value;
  floor.fixed_error = fixed.error;
  floor.fixed_count = fixed.windows;
  floor.sliding = sliding.value;
  floor.sliding_error = sliding.error;
  floor.sliding_count = sliding.windows;
  return floor;
}

} // namespace llm
