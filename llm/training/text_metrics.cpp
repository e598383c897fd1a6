// SPDX-License-Identifier: MIT

#include "llm/training/text_metrics.h"

#include <set>
#include <sstream>

namespace llm {

namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) {
    words.push_back(word);
  }
  return words;
}

/** The n-grams of a text, in order. */
std::vector<std::vector<std::string>> grams_of(
    const std::string& text,
    size_t n) {
  const std::vector<std::string> words = words_of(text);
  std::vector<std::vector<std::string>> grams;
  for (size_t i = 0; i + n <= words.size(); ++i) {
    grams.emplace_back(words.begin() + i, words.begin() + i + n);
  }
  return grams;
}

} // namespace

bool exact_match(const std::string& answer, const std::string& expected) {
  return words_of(answer) == words_of(expected);
}

double distinct_n(const std::vector<std::string>& texts, int n) {
  std::set<std::vector<std::string>> different;
  size_t all = 0;
  for (const std::string& text : texts) {
    const auto grams = grams_of(text, n);
    all += grams.size();
    different.insert(grams.begin(), grams.end());
  }
  return all > 0 ? double(different.size()) / double(all) : 0;
}

double repetition(const std::vector<std::string>& texts) {
  double sum = 0;
  int counted = 0;
  for (const std::string& text : texts) {
    const auto grams = grams_of(text, 4);
    const std::set<std::vector<std::string>> different(
        grams.begin(), grams.end());
    if (!grams.empty()) {
      sum += 1 - double(different.size()) / double(grams.size());
      ++counted;
    }
  }
  return counted > 0 ? sum / counted : 0;
}

Json text_metrics(const std::vector<std::string>& texts) {
  size_t words = 0;
  for (const std::string& text : texts) {
    words += words_of(text).size();
  }
  return {
      {"answers", texts.size()},
      {"mean_words",
       texts.empty() ? 0.0 : double(words) / double(texts.size())},
      {"distinct_1", distinct_n(texts, 1)},
      {"distinct_2", distinct_n(texts, 2)},
      {"repetition", repetition(texts)}};
}

} // namespace llm
