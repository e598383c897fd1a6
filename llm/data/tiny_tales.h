// SPDX-License-Identifier: MIT
//
// tiny-tales: the bundled corpus. A seeded generator composes short stories for
// children from the grammar in tiny_tales_text.cpp. Every story was written for
// this project as a plot; the generator draws names, animals, places and turns
// of phrase. So the entropy of the text is known, and a model's loss can be
// compared with the best loss that is possible.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "llm/data/grammar.h"
#include "llm/data/stream_filter.h"

namespace llm {

/** The plots as written: see tiny_tales_plots.cpp. */
std::vector<PlotText> tales_plots();

/** The stories as written: lists, fragments and plots. */
const GrammarText& tales_text();

/** The compiled grammar (made once). */
const Grammar& tales_grammar();

struct Tales {
  std::string train;
  std::string validation;
};

/** Stories end with an empty line. No story of `validation` is in `train`, and
 * neither holds one twice. Same bytes for the same numbers, everywhere. */
Tales generate_tales(
    uint64_t seed = 1,
    int n_train = 4400,
    int n_validation = 220);

/** Entropy of the endless stream: H(story) / E[characters of a story]. */
double source_entropy_nats_per_char();

/** log p of one story (with or without the empty line); -inf if it is none. */
double tale_log_probability(std::string_view story);

/** entropy_floor of the tales' grammar. */
EntropyFloor
tales_floor(std::string_view text, int context, int64_t max_windows = 0);

} // namespace llm
