// SPDX-License-Identifier: MIT
//
// Topic 2: a language model that only counts. It is the bar that every neural
// model has to beat. Texts are token ids, 0 to vocab_size - 1.

#pragma once

#include <vector>

#include "exercises/include/not_yet.h"

namespace ex {

/** p[a][b]: how likely b is after a; every row sums to 1. */
using Table = std::vector<std::vector<double>>;

/** 2.1: the table of a text, with 1 added to every count. */
Table bigram(const std::vector<int>& ids, int vocab_size);

/** 2.2: the mean surprise of a text, in nats per predicted token. */
double loss(const Table& p, const std::vector<int>& ids);

/** 2.3: how likely `token` is after `context`, by Witten and Bell. */
double witten_bell(
    const std::vector<int>& train,
    const std::vector<int>& context,
    int token,
    int vocab_size);

} // namespace ex
