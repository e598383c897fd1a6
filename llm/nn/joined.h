// SPDX-License-Identifier: MIT
//
// Layers that read the same x, as one product. With one token a GPU is done
// with a small matrix before the host has asked for the next one, so three
// products cost three times as much as one of all their rows. With more texts
// the parts of what comes out do not lie next to each other, and copies cost
// the gain.

#pragma once

#include <array>
#include <vector>

#include "llm/nn/linear.h"

namespace llm::nn {

class Joined {
 public:
  /** Puts the matrices into one, below each other. The layers keep parts of it,
   * so that no number is in memory twice. Does nothing if that cannot be: other
   * types, other packing, adapters. */
  void join(const std::vector<Linear*>& layers);

  /** What each layer makes of x [..., in]: by one product if they are joined,
   * have not changed since, and x is one token. */
  template <class... Layers>
  std::array<mx::array, sizeof...(Layers)> operator()(
      const mx::array& x,
      const Layers&... layers) const {
    if (!holds(x, {&layers...})) {
      return {layers(x)...};
    }
    const std::vector<mx::array> parts = mx::split(all_[0](x), ends_, -1);
    size_t i = 0;
    return {((void)layers, parts[i++])...};
  }

 private:
  bool holds(const mx::array& x, const std::vector<const Linear*>& layers)
      const;

  std::vector<Linear> all_;      // one, or none
  mx::Shape ends_;               // where the parts but the last end
  std::vector<mx::array> parts_; // the layers' arrays, to see whether they are
};

} // namespace llm::nn
