// SPDX-License-Identifier: MIT
//
// What GPT-2's pattern (the trainer's and SmolLM2's) and that of single digits
// match in ASCII, found by plain loops instead of the regular expression
// engine. Where a character outside of ASCII decides, the engine is asked,
// which knows Unicode's tables: both ways give the same words in any language.
// Bought: encoding 1.5 times as fast for English, 1.4 times for mixed text.

#pragma once

#include <cstddef>
#include <string_view>

namespace llm {

/** The bytes of a text that a pattern matches. */
struct Match {
  size_t begin = 0;
  size_t end = 0;
};

/**
 * Finds the first match at or after byte `at`, which is less than text.size().
 * False: not decided here, so ask the regular expression.
 */
using AsciiMatcher = bool (*)(std::string_view text, size_t at, Match& match);

/** The loops that do what `pattern` says, or nullptr when it is not known. */
AsciiMatcher ascii_matcher(std::string_view pattern);

} // namespace llm
