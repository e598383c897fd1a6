// SPDX-License-Identifier: MIT
//
// Dropout: in training each value is zeroed with probability p and the others
// are scaled by 1 / (1 - p) (Srivastava et al., JMLR 2014). A key switches it
// on; without one (evaluation, the default) it returns its input.

#pragma once

#include <optional>
#include <vector>

#include <mlx/ops.h>
#include <mlx/random.h>

#include "llm/nn/module.h"

namespace llm::nn {

/** x with each value zeroed with probability p, the others scaled. */
mx::array dropped(const mx::array& x, const mx::array& key, float p);

struct Dropout {
  float p;
  std::optional<mx::array> key; // uint32 [2]; set only while training

  explicit Dropout(float p = 0.0f) : p(p) {}

  mx::array operator()(const mx::array& x) const {
    return key && p > 0 ? dropped(x, *key, p) : x;
  }

  static void visit(auto&, auto&&) {} // no parameters
};

/** Gives every Dropout below `model` its own key derived from `key`, or
 * switches all of them off. */
template <class Model>
void set_dropout_key(Model& model, const std::optional<mx::array>& key) {
  std::vector<Dropout*> all;
  for_each<Dropout>(model, [&](const auto&, Dropout& d) { all.push_back(&d); });
  if (all.empty()) {
    return;
  }
  if (!key) {
    for (Dropout* dropout : all) {
      dropout->key.reset();
    }
    return;
  }
  const mx::array keys =
      mx::random::split(*key, static_cast<int>(all.size())); // [n, 2]
  for (int i = 0; i < static_cast<int>(all.size()); ++i) {
    all[i]->key = mx::reshape(mx::slice(keys, {i, 0}, {i + 1, 2}), {2});
  }
}

} // namespace llm::nn
