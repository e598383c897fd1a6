// SPDX-License-Identifier: MIT
//
// What can be changed in a model while it reads, to see what depends on it.

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace llm::inspect {

/** Another token at a position. */
struct ReplaceToken {
  int position = 0;
  int32_t id = 0;
};

/** A head's output times `by`, before the output projection; 0 removes it. */
struct ScaleHead {
  int layer = 0, head = 0;
  float by = 0;
};

/** What an MLP adds to the residual stream, times `by`. */
struct ScaleMLP {
  int layer = 0;
  float by = 0;
};

/** A vector [C] on the residual stream after a layer ("steering"). It is given,
 * or it is scale * (residual of `plus` - residual of `minus`) at the last token
 * of each (Turner et al., arXiv 2308.10248). */
struct AddVector {
  int layer = 0;
  std::optional<int> position; ///< none: all positions
  std::vector<float> values;   ///< empty: by the two texts
  std::string plus, minus;
  float scale = 1;
};

using Intervention = std::variant<ReplaceToken, ScaleHead, ScaleMLP, AddVector>;

} // namespace llm::inspect
