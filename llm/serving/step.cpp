// SPDX-License-Identifier: MIT

#include "llm/serving/step.h"

#include <algorithm>

#include <mlx/ops.h>
#include <mlx/transforms.h>

namespace llm::serving {

namespace {

/** Reads the last token of each lane -> logits [B, 1, V]. */
mx::array read_last(const std::vector<Lane*>& lanes, KVCache& cache) {
  std::vector<int32_t> last;
  for (Lane* lane : lanes) {
    last.push_back(lane->last_token());
  }
  const mx::array tokens(
      last.data(), {static_cast<int>(last.size()), 1}, mx::int32);
  return mx::astype(
      lanes.front()->model()->use.model->logits(tokens, &cache), mx::float32);
}

void choose_all(
    const std::vector<Lane*>& lanes,
    const mx::array& logits,
    const KVCache& cache) {
  std::vector<mx::array> outputs = cache.arrays();
  for (size_t b = 0; b < lanes.size(); ++b) {
    const int row = static_cast<int>(b);
    Lane& lane = *lanes[b];
    lane.choose_next(
        mx::flatten(mx::take(logits, row, 0)),
        lane.captures() ? inspect::queries_of_row(cache, row)
                        : std::vector<inspect::LayerReading>());
    lane.collect(outputs);
  }
  mx::eval(outputs);
}

} // namespace

void step(const std::vector<Lane*>& lanes) {
  if (lanes.size() == 1) { // also where changes are in force
    KVCache& cache = lanes.front()->cache();
    choose_all(lanes, read_last(lanes, cache), cache);
  } else {
    std::vector<KVCache*> caches;
    for (Lane* lane : lanes) {
      caches.push_back(&lane->cache());
    }
    // [snippet step-batch]
    KVCache batch = KVCache::batch(caches);
    const bool captures = std::any_of(
        lanes.begin(), lanes.end(), [](Lane* l) { return l->captures(); });
    for (LayerCache& layer : batch.layers) {
      layer.keep_queries = captures;
    }
    choose_all(lanes, read_last(lanes, batch), batch);
    // [/snippet]
  }
  for (Lane* lane : lanes) {
    try {
      lane->take_next();
    } catch (...) {
      lane->fail(current_error());
    }
  }
}

} // namespace llm::serving
