// SPDX-License-Identifier: MIT
//
// Simple measures of written answers, on words between spaces:
//   exact match  the answer equals the expected one, apart from spaces around
//   distinct-n   different n-grams over all n-grams (Li et al., 1510.03055)
//   repetition   part of the 4-grams of an answer that stood in it before

#pragma once

#include <string>
#include <vector>

#include "llm/core/json.h"

namespace llm {

/** Equal when spaces and line breaks around and between words are ignored. */
bool exact_match(const std::string& answer, const std::string& expected);

/** Over all texts together; 0 when they have no n-gram. */
double distinct_n(const std::vector<std::string>& texts, int n);

/** The mean over the texts that have a 4-gram; 0 when none has. */
double repetition(const std::vector<std::string>& texts);

/** answers, mean_words, distinct_1, distinct_2, repetition. */
Json text_metrics(const std::vector<std::string>& texts);

} // namespace llm
