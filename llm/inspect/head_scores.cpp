// SPDX-License-Identifier: MIT
//
// What kind of head it is, by where its weight goes.

#include <algorithm>

#include "llm/inspect/attention.h"
#include "llm/inspect/bands.h"

namespace llm::inspect {

namespace {

/** For each query the positions that follow an earlier copy of its token. */
std::vector<std::vector<int>> after_copies(const std::vector<int32_t>& tokens) {
  const int T = static_cast<int>(tokens.size());
  std::vector<std::vector<int>> out(T);
  for (int q = 0; q < T; ++q) {
    for (int k = 0; k < q; ++k) {
      if (tokens[k] == tokens[q]) {
        out[q].push_back(k + 1);
      }
    }
  }
  return out;
}

void add_row(HeadScore& score, const float* row, int q) {
  for (int k = 0; k <= q; ++k) {
    score.distance += row[k] * static_cast<float>(q - k);
  }
  score.sink += row[0];
  score.previous += row[q - 1];
}

} // namespace

std::vector<HeadScore> head_scores(const Reading& reading, int layer) {
  const int H = captured_layer(reading, layer).queries.shape(0);
  const std::vector<std::vector<int>> copies = after_copies(reading.tokens);
  const int kv_heads =
      reading.cache.layers.at(layer).read_in_order().first.shape(1);
  const int queries = reading.length() - 1;
  const auto repeated = std::count_if(
      copies.begin(), copies.end(), [](const auto& c) { return !c.empty(); });
  std::vector<HeadScore> out(H);
  const TakeRow take = [&](int h, int q, const float* row, float entropy) {
    if (q == 0) {
      return;
    }
    out[h].entropy += entropy;
    add_row(out[h], row, q);
    for (const int k : copies[q]) {
      out[h].induction += row[k];
    }
  };
  for_rows(reading, layer, {}, take);
  for (int h = 0; h < H; ++h) {
    HeadScore& s = out[h];
    s.layer = layer;
    s.head = h;
    s.kv_group = h / (H / kv_heads);
    for (float* sum : {&s.entropy, &s.sink, &s.previous, &s.distance}) {
      *sum /= static_cast<float>(std::max(1, queries));
    }
    s.induction /= static_cast<float>(std::max<ptrdiff_t>(1, repeated));
  }
  return out;
}

} // namespace llm::inspect
