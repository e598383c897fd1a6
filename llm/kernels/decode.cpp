// SPDX-License-Identifier: MIT

#include "llm/kernels/decode.h"

#include <utility>

#include "llm/kernels/decode_steps.h"

namespace llm::kernels {

namespace {

struct BlockPlan {
  ProjectionPlan qkv;
  AttentionPlan attention;
  ProjectionPlan o, mlp, down;
};

/** Numbers [rows, width] between two steps. */
class Between {
 public:
  Between(int64_t rows, int width)
      : memory_(rows * width),
        tensor_{memory_.data(), {static_cast<int>(rows), width}, {width, 1}} {}
  Between(const Between&) = delete;
  Between& operator=(const Between&) = delete;

  const Tensor& tensor() const {
    return tensor_;
  }

 private:
  std::vector<float> memory_;
  Tensor tensor_;
};

/** in[0]: x. out: y, queries, keys and values of each text. */
void run(const BlockPlan& plan, const Tensors& in, const Tensors& out) {
  const Tensor& x = in[0];
  const int64_t B = x.rows();
  const AttentionPlan& a = plan.attention;
  const Between qkv(B, plan.qkv.width), mixed(B, a.queries * a.width);
  const Between h(B, x.width()), inner(B, plan.mlp.width);
  run_projection(plan.qkv, in, x, nullptr, qkv.tensor());
  run_attention(a, in, qkv.tensor(), out[1], &out[2], mixed.tensor());
  run_projection(plan.o, in, mixed.tensor(), &x, h.tensor());
  run_projection(plan.mlp, in, h.tensor(), nullptr, inner.tensor());
  run_projection(plan.down, in, inner.tensor(), &h.tensor(), out[0]);
}

} // namespace

std::vector<mx::array> decode_block(
    const mx::array& x,
    const Block& block,
    const std::vector<CachedText>& texts,
    Function plain) {
  NodeInputs inputs;
  inputs.add(x);
  BlockPlan plan;
  plan.qkv = plan_projection(block.qkv, inputs);
  plan.attention = plan_attention(block.heads, texts, inputs);
  plan.o = plan_projection(block.o, inputs);
  plan.mlp = plan_projection(block.mlp, inputs);
  plan.down = plan_projection(block.down, inputs);
  const AttentionPlan& a = plan.attention;
  std::vector<Output> outputs = {
      {.shape = x.shape()}, {.shape = {x.shape(0), a.queries, 1, a.width}}};
  for (size_t i = 0; i < 2 * texts.size(); ++i) {
    const int donor = a.stores + static_cast<int>(i);
    outputs.push_back({.shape = inputs.arrays[donor].shape(), .donor = donor});
  }
  Kernel kernel{
      .name = "decode_block",
      .settings = std::move(inputs.settings),
      .run = [plan = std::move(plan)](
                 const Tensors& in, const Tensors& out) { run(plan, in, out); },
      .plain = std::move(plain)};
  return make_node(std::move(kernel), inputs.arrays, outputs);
}

} // namespace llm::kernels
