// SPDX-License-Identifier: MIT
//
// How the attention of new tokens is shared out among threads, and put together
// again (as in "Online normalizer calculation for softmax", arXiv 1805.02867).

#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "llm/kernels/decode_steps.h"

namespace llm::kernels {

inline constexpr int64_t kPart = 256; // keys: they and their values stay in L2

struct Part {
  int64_t text, head; // of the keys
  int64_t begin, count;
};

/** The work of one step: for each text and each of its K heads, keys and values
 * in parts of kPart. All queries of a head look at a part while it is near. The
 * parts depend on the text alone, and so do the bits of the result. */
class Parts {
 public:
  /** G queries for each head, D wide. */
  Parts(const Places& places, int K, int G, int64_t D) : G_(G), D_(D) {
    for (size_t b = 0; b < places.texts.size(); ++b) {
      const Places::Place& place = places.texts[b];
      for (int head = 0; head < K; ++head) {
        first_.push_back(tasks());
        for (int64_t at = place.begin; at < place.end; at += kPart) {
          const int64_t count = std::min(kPart, place.end - at);
          parts_.push_back({static_cast<int64_t>(b), head, at, count});
        }
      }
    }
    first_.push_back(tasks());
  }

  int64_t tasks() const {
    return static_cast<int64_t>(parts_.size());
  }
  const Part& part(int64_t task) const {
    return parts_[task];
  }

  /** Floats for the results, and where query g of a task puts its own: the
   * highest score, the sum of the weights, the weighted sum [D]. */
  int64_t size() const {
    return tasks() * G_ * (D_ + 2);
  }
  int64_t place(int64_t task, int64_t g) const {
    return (task * G_ + g) * (D_ + 2);
  }

  /** out [texts, K, G, D] from the results of all tasks. */
  void put_together(const float* results, float* out) const {
    for (size_t head = 0; head + 1 < first_.size(); ++head) {
      for (int64_t g = 0; g < G_; ++g, out += D_) {
        put_together(results, first_[head], first_[head + 1], g, out);
      }
    }
  }

 private:
  void put_together(
      const float* results,
      int64_t begin,
      int64_t end,
      int64_t g,
      float* out) const {
    float top = results[place(begin, g)];
    for (int64_t task = begin + 1; task < end; ++task) {
      top = std::max(top, results[place(task, g)]);
    }
    float sum = 0;
    std::fill_n(out, D_, 0.0f);
    for (int64_t task = begin; task < end; ++task) {
      const float* from = results + place(task, g);
      const float weight = std::exp(from[0] - top);
      sum += weight * from[1];
      for (int64_t i = 0; i < D_; ++i) {
        out[i] += weight * from[2 + i];
      }
    }
    for (int64_t i = 0; i < D_; ++i) {
      out[i] /= sum;
    }
  }

  int64_t G_, D_;
  std::vector<Part> parts_;
  std::vector<int64_t> first_; // the first part of each head, and the end
};

} // namespace llm::kernels
