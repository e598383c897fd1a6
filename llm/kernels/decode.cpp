// SPDX-License-Identifier: MIT

#include "llm/kernels/decode.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/kernels/decode_steps.h"

namespace llm::kernels {

struct PreparedBlock {
  std::vector<mx::array> arrays; // the weights
  size_t before_stores;          // how many of them `plain` takes first
  Tensors weights;               // the same, to read
  ProjectionPlan qkv;
  AttentionPlan attention;
  ProjectionPlan o, mlp, down;
};

namespace {

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

/** in: x, keys and values of each text. out: y, queries, the same again. */
void run(
    const PreparedBlock& block,
    const Places& places,
    const Tensors& in,
    const Tensors& out) {
  const Tensor& x = in[0];
  const Tensors& w = block.weights;
  const int64_t B = x.rows();
  const Between qkv(B, block.qkv.width);
  const Between mixed(B, block.attention.queries * out[1].dim(3));
  const Between h(B, x.width()), inner(B, block.mlp.width);
  run_projection(block.qkv, w, x, nullptr, qkv.tensor());
  run_attention(
      block.attention,
      places,
      w,
      qkv.tensor(),
      out[1],
      &in[1],
      &out[2],
      mixed.tensor());
  run_projection(block.o, w, mixed.tensor(), &x, h.tensor());
  run_projection(block.mlp, w, h.tensor(), nullptr, inner.tensor());
  run_projection(block.down, w, inner.tensor(), &h.tensor(), out[0]);
}

Places places_of(
    const AttentionPlan& attention,
    const std::vector<CachedText>& texts) {
  Places out;
  int last = 0;
  for (const CachedText& text : texts) {
    out.texts.push_back({text.position, text.slot, text.begin, text.end});
    last = std::max(last, text.position);
  }
  const int D = texts.at(0).keys.shape(3);
  out.turns = turns_for(D, attention.turning, last + 1);
  return out;
}

/** What tells this operation from others: weights and places. */
std::vector<double> settings_of(
    const PreparedBlock& block,
    const Places& places) {
  std::vector<double> out = {
      static_cast<double>(reinterpret_cast<uintptr_t>(&block))};
  for (const Places::Place& p : places.texts) {
    out.insert(
        out.end(),
        {double(p.position), double(p.slot), double(p.begin), double(p.end)});
  }
  return out;
}

/** `plain` with the weights put among x, keys and values. */
Function with_weights(
    std::shared_ptr<const PreparedBlock> block,
    Function plain) {
  return [block = std::move(block),
          plain = std::move(plain)](const std::vector<mx::array>& in) {
    const auto middle = block->arrays.begin() + block->before_stores;
    std::vector<mx::array> all = {in[0]};
    all.insert(all.end(), block->arrays.begin(), middle);
    all.insert(all.end(), in.begin() + 1, in.end());
    all.insert(all.end(), middle, block->arrays.end());
    return plain(all);
  };
}

} // namespace

std::shared_ptr<const PreparedBlock> prepare(const Block& block) {
  auto out = std::make_shared<PreparedBlock>();
  Weights weights;
  out->qkv = plan_projection(block.qkv, weights);
  out->attention = plan_attention(block.heads, weights);
  out->before_stores = weights.arrays.size();
  out->o = plan_projection(block.o, weights);
  out->mlp = plan_projection(block.mlp, weights);
  out->down = plan_projection(block.down, weights);
  for (const mx::array& array : weights.arrays) {
    out->arrays.push_back(mx::contiguous(array));
  }
  mx::eval(out->arrays);
  for (const mx::array& array : out->arrays) {
    out->weights.push_back(tensor_of(array));
  }
  return out;
}

std::vector<mx::array> decode_block(
    const mx::array& x,
    const std::shared_ptr<const PreparedBlock>& block,
    const std::vector<CachedText>& texts,
    Function plain) {
  const AttentionPlan& a = block->attention;
  const int D = texts.at(0).keys.shape(3);
  std::vector<mx::array> inputs = {x};
  std::vector<Output> outputs = {
      {.shape = x.shape()}, {.shape = {x.shape(0), a.queries, 1, D}}};
  for (const CachedText& text : texts) {
    for (const mx::array& store : {text.keys, text.values}) {
      const int donor = static_cast<int>(inputs.size());
      outputs.push_back({.shape = store.shape(), .donor = donor});
      inputs.push_back(store);
    }
  }
  Places places = places_of(a, texts);
  Kernel kernel{
      .name = "decode_block",
      .settings = settings_of(*block, places),
      .run = [block, places = std::move(places)](
                 const Tensors& in,
                 const Tensors& out) { run(*block, places, in, out); },
      .plain = with_weights(block, std::move(plain))};
  return make_node(std::move(kernel), inputs, outputs);
}

} // namespace llm::kernels
