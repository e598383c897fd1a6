// SPDX-License-Identifier: MIT
//
// Draws the corpus. Training and validation have their own random streams; a
// story that was drawn before, in either, is drawn again.

#include "llm/data/tiny_tales.h"

#include <mutex>
#include <unordered_set>

namespace llm {

const Grammar& tales_grammar() {
  static const Grammar grammar(tales_text());
  return grammar;
}

Tales generate_tales(uint64_t seed, int n_train, int n_validation) {
  const auto& grammar = tales_grammar();
  std::unordered_set<std::string> seen;
  const auto draw = [&](std::string_view purpose, int count) {
    Random random(random_key(seed, purpose));
    std::string text;
    for (int i = 0; i < count;) {
      auto story = grammar.generate(random);
      if (seen.insert(story).second) {
        text += story;
        i++;
      }
    }
    return text;
  };
  Tales tales;
  tales.train = draw("tiny-tales train", n_train);
  tales.validation = draw("tiny-tales validation", n_validation);
  return tales;
}

double source_entropy_nats_per_char() {
  static const double value = tales_grammar().statistics().nats_per_char();
  return value;
}

double tale_log_probability(std::string_view story) {
  const auto& separator = tales_text().separator;
  std::string whole(story);
  if (whole.size() < separator.size() ||
      whole.substr(whole.size() - separator.size()) != separator) {
    whole += separator;
  }
  static std::mutex mutex;
  static StreamFilter filter(tales_grammar()); // slow to make, so kept
  const std::lock_guard lock(mutex);
  return filter.log_probability(whole);
}

EntropyFloor
tales_floor(std::string_view text, int context, int64_t max_windows) {
  return entropy_floor(tales_grammar(), text, context, max_windows);
}

} // namespace llm
