// SPDX-License-Identifier: MIT
//
// Random batches on a GPU. The text lies in its memory, and so do the places of
// the windows of many steps: an array of the host in every step would make MLX
// wait for the GPU each time.

#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "llm/data/batches.h"

namespace llm {

class DeviceBatches {
 public:
  DeviceBatches(const std::vector<int32_t>& ids, uint64_t seed);

  /** As random_batch() of the same seed, on the default device; lazy. */
  Batch operator()(uint64_t step, int64_t batch, int64_t block);

 private:
  struct Places {
    uint64_t group;
    mx::array starts; // [steps of the group, batch]
  };

  uint64_t seed_;
  int64_t n_;
  mx::array ids_;
  std::map<std::pair<int64_t, int64_t>, Places> places_; // by batch and block
};

} // namespace llm
