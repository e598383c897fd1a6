// SPDX-License-Identifier: MIT
//
// The steps of a decoder block inside its operation: each is planned when the
// block is prepared (where its arrays are among the weights) and run for every
// token.

#pragma once

#include <memory>
#include <vector>

#include "llm/kernels/decode.h"
#include "llm/kernels/turns.h"

namespace llm::kernels {

/** The arrays of a block, in an order that the plans know. */
struct Weights {
  std::vector<mx::array> arrays;

  /** Its place. */
  int add(const mx::array& a) {
    arrays.push_back(a);
    return static_cast<int>(arrays.size()) - 1;
  }
};

struct ProjectionPlan {
  struct Part {
    int weight, bits, bias; // bias: -1 for none
  };
  int norm = -1; // -1: none
  float eps = 0;
  std::vector<Part> parts;
  bool swiglu = false;
  int width = 0; // of the result
};

ProjectionPlan plan_projection(const Projection& p, Weights& weights);

/** x [M, K] -> out [M, width], plus `residual` if it is not null. */
void run_projection(
    const ProjectionPlan& plan,
    const Tensors& weights,
    const Tensor& x,
    const Tensor* residual,
    const Tensor& out);

struct AttentionPlan {
  int queries, keys; // heads
  float scale;
  Turning turning;
  int q_norm = -1, k_norm = -1; // -1: none
  float eps = 0;
};

AttentionPlan plan_attention(const Heads& heads, Weights& weights);

/** Where the texts of one step are in their caches. */
struct Places {
  struct Place {
    int position, slot, begin, end;
  };
  std::vector<Place> texts;
  std::shared_ptr<const Turns> turns;
};

/** qkv [B, (H + 2 K) D] -> out [B, H D] and queries [B, H, 1, D]. `old` and
 * `stores` are keys and values of each text, before and after; they may be the
 * same memory. */
void run_attention(
    const AttentionPlan& plan,
    const Places& places,
    const Tensors& weights,
    const Tensor& qkv,
    const Tensor& queries,
    const Tensor* old,
    const Tensor* stores,
    const Tensor& out);

} // namespace llm::kernels
