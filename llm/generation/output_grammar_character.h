// SPDX-License-Identifier: MIT
//
// One character of a literal or a class of a grammar, maybe escaped.

#pragma once

#include <string_view>

#include "llm/generation/output_grammar_builder.h"

namespace llm {

/** Reads the character at `at` of valid UTF-8 and moves `at` behind it.
 * builder.fail() for an escape that is none. */
char32_t read_grammar_character(
    std::string_view text,
    size_t& at,
    const GrammarBuilder& builder);

} // namespace llm
