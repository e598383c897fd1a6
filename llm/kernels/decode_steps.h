// SPDX-License-Identifier: MIT
//
// The steps of a decoder block inside its operation: each is planned when the
// graph is built (where its arrays are among the inputs) and run later.

#pragma once

#include <memory>
#include <vector>

#include "llm/kernels/decode.h"
#include "llm/kernels/turns.h"

namespace llm::kernels {

/** The inputs of a node while it is planned, and what tells it from others. */
struct NodeInputs {
  std::vector<mx::array> arrays;
  std::vector<double> settings;

  /** Its place among the inputs. */
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

ProjectionPlan plan_projection(const Projection& p, NodeInputs& inputs);

/** x [M, K] -> out [M, width], plus `residual` if it is not null. */
void run_projection(
    const ProjectionPlan& plan,
    const Tensors& in,
    const Tensor& x,
    const Tensor* residual,
    const Tensor& out);

struct AttentionPlan {
  struct Place {
    int position, slot, begin, end;
  };
  int queries, keys; // heads
  int width;         // of a head
  float scale;
  int q_norm = -1, k_norm = -1; // -1: none
  float eps = 0;
  int stores = 0; // the first of keys, values of each text
  std::shared_ptr<const Turns> turns;
  std::vector<Place> places;
};

AttentionPlan plan_attention(
    const Heads& heads,
    const std::vector<CachedText>& texts,
    NodeInputs& inputs);

/** qkv [B, (H + 2 K) D] -> out [B, H D] and queries [B, H, 1, D]; stores are
 * the outputs that take the place of the input ones. */
void run_attention(
    const AttentionPlan& plan,
    const Tensors& in,
    const Tensor& qkv,
    const Tensor& queries,
    const Tensor* stores,
    const Tensor& out);

} // namespace llm::kernels
