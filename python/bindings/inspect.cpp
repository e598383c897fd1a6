// SPDX-License-Identifier: MIT
//
// Submodule inspect: what a model does while it reads.

#include <optional>
#include <variant>

#include <nanobind/stl/function.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include "llm/inspect/attention.h"
#include "llm/inspect/distribution.h"
#include "llm/inspect/lens.h"
#include "llm/inspect/reading.h"
#include "llm/inspect/whatif.h"
#include "python/bindings/bindings.h"
#include "python/bindings/casters.h"

namespace llm::python {

namespace {

using namespace inspect;

const auto go_on = [] {
  check_interrupt();
  return true;
};

void add_interventions(nb::module_& m) {
  nb::class_<ReplaceToken>(m, "ReplaceToken", "Another token at a position.")
      .def(nb::init<int, int32_t>(), "position"_a, "id"_a)
      .def_ro("position", &ReplaceToken::position)
      .def_ro("id", &ReplaceToken::id);
  nb::class_<ScaleHead>(
      m, "ScaleHead", "A head's output times `by`; 0 removes the head.")
      .def(nb::init<int, int, float>(), "layer"_a, "head"_a, "by"_a = 0)
      .def_ro("layer", &ScaleHead::layer)
      .def_ro("head", &ScaleHead::head)
      .def_ro("by", &ScaleHead::by);
  nb::class_<ScaleMLP>(m, "ScaleMLP", "What an MLP adds, times `by`.")
      .def(nb::init<int, float>(), "layer"_a, "by"_a = 0)
      .def_ro("layer", &ScaleMLP::layer)
      .def_ro("by", &ScaleMLP::by);
  nb::class_<AddVector>(
      m,
      "AddVector",
      "A vector [C] on the residual stream after a layer, at a position or "
      "all (None): `values`, or scale * (residual of the text `plus` - that of "
      "`minus`).")
      .def(
          nb::init<
              int,
              std::optional<int>,
              std::vector<float>,
              std::string,
              std::string,
              float>(),
          "layer"_a,
          "position"_a = nb::none(),
          "values"_a = std::vector<float>(),
          "plus"_a = "",
          "minus"_a = "",
          "scale"_a = 1)
      .def_ro("layer", &AddVector::layer)
      .def_ro("position", &AddVector::position);
}

void add_reading(nb::module_& m) {
  nb::class_<Reading>(
      m,
      "Reading",
      "A text as a model read it: queries beside keys and values, of which any "
      "attention row follows.")
      .def_ro("tokens", &Reading::tokens)
      .def_prop_ro("length", &Reading::length)
      .def_prop_ro("bytes", &Reading::bytes, "Of queries, keys and values.")
      .def_ro("last_logits", &Reading::last_logits, "[V], after the last token")
      .def("__len__", &Reading::length);
  m.def(
      "read",
      [](const LanguageModel& model,
         const Ids& tokens,
         const std::vector<int>& layers,
         const std::vector<Intervention>& interventions,
         const Encode& encode,
         int chunk) {
        const ReadOptions options{
            true, layers, interventions, encode, chunk, go_on};
        const nb::gil_scoped_release release;
        return *inspect::read(model, tokens.values, options);
      },
      "model"_a,
      "tokens"_a,
      "layers"_a = std::vector<int>(),
      "interventions"_a = std::vector<Intervention>(),
      "encode"_a = nb::none(),
      "chunk"_a = 128,
      "Reads tokens from the beginning and keeps the queries of `layers` "
      "(none: all). `encode`, text -> ids, is needed for AddVector by "
      "texts.\n\n"
      "UsageError for no tokens, more than the context, or an intervention "
      "that names what does not exist.");
}

void add_attention(nb::module_& m) {
  m.def(
      "attention_rows",
      [](const Reading& reading,
         int layer,
         std::optional<int> head,
         int begin,
         std::optional<int> end) {
        return attention_rows(
            reading, layer, begin, end.value_or(reading.length()), head);
      },
      "reading"_a,
      "layer"_a,
      "head"_a = nb::none(),
      "begin"_a = 0,
      "end"_a = nb::none(),
      "softmax(Q K^T scale) of queries begin..end-1: [H, end - begin, T], or "
      "[1, ...] of one head.");
  m.def(
      "attended",
      &attended,
      "reading"_a,
      "layer"_a,
      "What the heads found: the rows times the values, [H, T, D].");
  m.def(
      "value_norms",
      &value_norms,
      "reading"_a,
      "layer"_a,
      "The length of each value vector, [H_kv, T].");
  nb::class_<HeadScore>(
      m, "HeadScore", "What a head does, means over queries but the first.")
      .def_ro("layer", &HeadScore::layer)
      .def_ro("head", &HeadScore::head)
      .def_ro("kv_group", &HeadScore::kv_group)
      .def_ro("entropy", &HeadScore::entropy, "Of a row, nats.")
      .def_ro("sink", &HeadScore::sink, "Weight on position 0.")
      .def_ro("previous", &HeadScore::previous, "Weight on the token before.")
      .def_ro(
          "induction",
          &HeadScore::induction,
          "Weight on tokens after an earlier copy of this one.")
      .def_ro("distance", &HeadScore::distance, "Positions back.");
  m.def(
      "head_scores",
      &head_scores,
      "reading"_a,
      "layer"_a,
      Release(),
      "A HeadScore for each head of a layer.");
}

void add_lens(nb::module_& m) {
  nb::class_<TokenProbability>(
      m, "TokenProbability", "A token and how likely it is.")
      .def_ro("id", &TokenProbability::id)
      .def_ro("p", &TokenProbability::p)
      .def("__repr__", [](const TokenProbability& t) {
        return "(" + std::to_string(t.id) + ", " + std::to_string(t.p) + ")";
      });
  nb::class_<LensCell>(m, "LensCell", "What a layer would say at a position.")
      .def_ro("top", &LensCell::top, "Best first.")
      .def_ro("kl", &LensCell::kl, "From the last layer's to this, nats.")
      .def_ro(
          "rank_final",
          &LensCell::rank_final,
          "Of the last layer's best token, here.");
  m.def(
      "logit_lens",
      [](const LanguageModel& model,
         const Reading& reading,
         int from,
         std::optional<int> to,
         int top_k) {
        const int end = to.value_or(std::min(reading.length(), from + 32));
        const nb::gil_scoped_release release;
        return logit_lens(model, reading, from, end, top_k, go_on).cells;
      },
      "model"_a,
      "reading"_a,
      "start"_a = 0,
      "end"_a = nb::none(),
      "top_k"_a = 5,
      "cells[layer][position - start] of at most 32 positions; layer 0 is the "
      "embeddings, the last one the model's own output.");
  m.def(
      "residuals",
      [](const LanguageModel& model,
         const Reading& reading,
         int from,
         std::optional<int> to) {
        return residuals(model, reading, from, to.value_or(reading.length()));
      },
      "model"_a,
      "reading"_a,
      "start"_a = 0,
      "end"_a = nb::none(),
      "The residual stream before each block and after the last, [positions, "
      "C] each.");
}

void add_what_if(nb::module_& m) {
  nb::class_<WhatIf>(m, "WhatIf", "What a change does to the prediction.")
      .def_ro("reading", &WhatIf::reading, "With the change.")
      .def_ro("kl", &WhatIf::kl, "Before to after, last position, nats.")
      .def_ro("kl_by_position", &WhatIf::kl_by_position, "[T]")
      .def_ro("top_before", &WhatIf::top_before)
      .def_ro("top_after", &WhatIf::top_after);
  m.def(
      "what_if",
      [](const LanguageModel& model,
         const Reading& before,
         const std::vector<Intervention>& interventions,
         const Encode& encode,
         int top_k) {
        ReadOptions options;
        options.encode = encode;
        options.go_on = go_on;
        const nb::gil_scoped_release release;
        return *what_if(model, before, interventions, options, top_k);
      },
      "model"_a,
      "before"_a,
      "interventions"_a,
      "encode"_a = nb::none(),
      "top_k"_a = 20,
      "Reads the text again with the changes and compares the predictions.");
  m.def(
      "probabilities",
      [](const mx::array& logits) {
        mx::array x = mx::contiguous(mx::astype(logits, mx::float32));
        x.eval();
        return probabilities(x);
      },
      "logits"_a,
      "softmax of logits [V], in double.");
  m.def("entropy", &entropy, "p"_a, "-sum p log p, nats.");
  m.def("rank", &inspect::rank, "p"_a, "id"_a, "1 for the likeliest.");
  m.def("likeliest", &inspect::likeliest, "p"_a, "k"_a);
  m.def("kl", &kl, "p"_a, "q"_a, "sum p log(p / q), nats.");
}

} // namespace

void init_inspect(nb::module_& parent) {
  nb::module_ m = parent.def_submodule("inspect", "Looking inside a model.");
  add_interventions(m);
  add_reading(m);
  add_attention(m);
  add_lens(m);
  add_what_if(m);
}

} // namespace llm::python
