// SPDX-License-Identifier: MIT
//
// Splits and windows; the rules are in split.h.

#include "llm/data/split.h"

#include <algorithm>

#include "llm/core/error.h"
#include "llm/core/random.h"

namespace llm {
namespace {

void check_context(int64_t context) {
  if (context < 1) {
    throw UsageError(
        "Split",
        "expected a context of at least 1 but received " +
            std::to_string(context) + "; raise it.");
  }
}

bool starts_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
}

void check_part(const char* part, size_t tokens, int64_t block) {
  if (static_cast<int64_t>(tokens) <= block) {
    throw InputError(
        "Split",
        std::string(part) + " split has " + std::to_string(tokens) +
            " tokens but block is " + std::to_string(block) +
            "; a window needs block + 1 tokens: use a longer text or a block "
            "of at most " +
            std::to_string(
                std::max<int64_t>(static_cast<int64_t>(tokens) - 1, 0)) +
            ".");
  }
}

} // namespace

TextSplit split_text(std::string_view text, double train_fraction) {
  if (!(train_fraction > 0 && train_fraction < 1)) {
    throw UsageError(
        "Split",
        "expected a training fraction between 0 and 1 but received " +
            std::to_string(train_fraction) + "; use for example 0.9.");
  }
  const auto characters =
      std::count_if(text.begin(), text.end(), starts_character);
  auto left =
      static_cast<int64_t>(train_fraction * static_cast<double>(characters));
  size_t cut = 0;
  while (cut < text.size() && (left > 0 || !starts_character(text[cut]))) {
    left -= starts_character(text[cut]) ? 1 : 0;
    cut++;
  }
  return {std::string(text.substr(0, cut)), std::string(text.substr(cut))};
}

void check_split(const Split& split, int64_t block) {
  check_part("training", split.train.size(), block);
  check_part("validation", split.val.size(), block);
}

std::vector<int64_t> batch_offsets(
    uint64_t seed,
    uint64_t step,
    int64_t batch,
    int64_t block,
    int64_t n) {
  if (n <= block || block < 1 || batch < 1) {
    throw InputError(
        "Batch",
        "expected more than block = " + std::to_string(block) +
            " tokens and a batch of at least 1 but received " +
            std::to_string(n) + " tokens and a batch of " +
            std::to_string(batch) + "; use a longer text or a smaller block.");
  }
  Random random(random_key(seed, "batch", step));
  std::vector<int64_t> offsets(batch);
  for (auto& offset : offsets) {
    offset = static_cast<int64_t>(random.below(n - block));
  }
  return offsets;
}

std::vector<EvalWindow> fixed_windows(int64_t n, int64_t context) {
  check_context(context);
  std::vector<EvalWindow> windows;
  for (int64_t start = 0; start + 1 < n; start += context) {
    windows.push_back({start, std::min(context, n - 1 - start), 0});
  }
  return windows;
}

std::vector<EvalWindow> sliding_windows(int64_t n, int64_t context) {
  check_context(context);
  const int64_t stride = std::max<int64_t>(context / 2, 1);
  std::vector<EvalWindow> windows;
  int64_t scored = 1; // tokens before this one are done; the first never is
  for (int64_t start = 0; scored < n; start += stride) {
    const int64_t length = std::min(context, n - 1 - start);
    windows.push_back({start, length, scored - start - 1});
    scored = start + length + 1;
  }
  return windows;
}

} // namespace llm
