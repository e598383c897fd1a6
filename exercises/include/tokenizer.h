// SPDX-License-Identifier: MIT
//
// Topic 1: byte-pair encoding, the tokenizer of GPT-2, Llama 3 and most others
// (Sennrich et al., arXiv 1508.07909). A text begins as its bytes, the ids 0 to
// 255. Training gives the most frequent pair of neighbours a new id, 256, then
// the next pair 257, and so on; encoding repeats these merges on any text.

#pragma once

#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "exercises/include/not_yet.h"

namespace ex {

using Pair = std::pair<int, int>; ///< two neighbours: left, right

/** 1.1: how often each pair of neighbours stands in `ids`. */
std::map<Pair, int> count_pairs(const std::vector<int>& ids);

/** 1.2: `ids` with `id` in place of every `pair`, from left to right. */
std::vector<int> merge_pair(const std::vector<int>& ids, Pair pair, int id);

/** 1.3: the ids of `text`; merges[i] is the pair that became 256 + i. */
std::vector<int> encode(std::string_view text, const std::vector<Pair>& merges);

/** 1.4: the first `count` merges of `text`, fewer if no pair is left. */
std::vector<Pair> learn_merges(std::string_view text, int count);

} // namespace ex
