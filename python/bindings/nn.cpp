// SPDX-License-Identifier: MIT
//
// Submodule nn: the functions that models are made of. They build graphs, so
// mx.grad, mx.value_and_grad and mx.vmap see through them.

#include <optional>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include "llm/nn/activation.h"
#include "llm/nn/attention.h"
#include "llm/nn/categorical.h"
#include "llm/nn/loss.h"
#include "llm/nn/norm.h"
#include "llm/nn/rope.h"
#include "python/bindings/bindings.h"

namespace llm::python {

namespace {

void add_loss(nb::module_& m) {
  m.def(
      "token_losses",
      &nn::token_losses,
      "logits"_a,
      "targets"_a,
      "-log softmax(logits)[target] in nats: logits [..., V], targets [...] "
      "-> [...].");
  m.def(
      "cross_entropy",
      &nn::cross_entropy,
      "logits"_a,
      "targets"_a,
      "The mean of token_losses(): a scalar.");
  m.def(
      "masked_cross_entropy",
      &nn::masked_cross_entropy,
      "logits"_a,
      "targets"_a,
      "mask"_a,
      "The mean over the targets whose mask is 1.");
  m.def(
      "spread",
      [](const mx::array& logits) {
        const nn::Spread s = nn::spread(logits);
        return std::pair(s.log_sum_exp, s.entropy);
      },
      "logits"_a,
      "(log sum exp, entropy in nats) of logits [..., V] -> [...] each.");
  m.def(
      "categorical",
      &nn::categorical,
      "logits"_a,
      "key"_a,
      "A draw from softmax(logits), logits [V]: its index, an int32 scalar.");
}

void add_attention(nb::module_& m) {
  m.def(
      "causal_attention",
      [](const mx::array& q,
         const mx::array& k,
         const mx::array& v,
         float scale,
         int window) { return nn::causal_attention(q, k, v, {scale, window}); },
      "q"_a,
      "k"_a,
      "v"_a,
      "scale"_a = 0,
      "window"_a = 0,
      "softmax(Q K^T scale) V: q [B, H, L, D], k and v [B, H_kv, S, D] -> [B, "
      "H, L, D]. scale 0: 1 / sqrt(D). window: keys a query sees, 0: all.");
  m.def(
      "attention_weights",
      &nn::attention_weights,
      "q"_a,
      "k"_a,
      "softmax(Q K^T / sqrt(D)), causal: [B, H, L, S], each row sums to 1.");
  m.def(
      "rope",
      &nn::rope,
      "x"_a,
      "base"_a = 10000.0f,
      "start"_a = 0,
      "Rotary positions: x [B, H, L, D], row l at position start + l.");
  m.def("split_heads", &nn::split_heads, "x"_a, "heads"_a);
  m.def("merge_heads", &nn::merge_heads, "x"_a);
}

} // namespace

void init_nn(nb::module_& parent) {
  nb::module_ m = parent.def_submodule("nn", "What models are made of.");
  add_loss(m);
  add_attention(m);
  m.def(
      "layer_norm",
      &nn::layer_norm,
      "x"_a,
      "weight"_a,
      "bias"_a = nb::none(),
      "eps"_a = 1e-5f,
      "x [..., C] -> mean 0, variance 1 in each row, times weight [C].");
  m.def(
      "rms_norm",
      &nn::rms_norm,
      "x"_a,
      "weight"_a,
      "eps"_a = 1e-5f,
      "x [..., C] / root mean square of the row, times weight [C].");
  m.def(
      "activation",
      [](const std::string& name, const mx::array& x) {
        return nn::apply(nn::parse_activation(name), x);
      },
      "name"_a,
      "x"_a,
      "\"gelu\", \"gelu_new\", \"relu\" or \"silu\", elementwise.");
  m.def(
      "swiglu", &nn::swiglu, "gate"_a, "up"_a, "silu(gate) * up, elementwise.");
}

} // namespace llm::python
