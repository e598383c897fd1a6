// SPDX-License-Identifier: MIT

#include <optional>

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include "llm/data/chat_format.h"
#include "llm/models/load.h"
#include "llm/models/quantize.h"
#include "llm/models/usable_model.h"
#include "llm/nn/loss.h"
#include "python/bindings/bindings.h"
#include "python/bindings/casters.h"

namespace llm::python {

namespace {

using Arrays = std::map<std::string, mx::array>;

/** (loss, gradients by path) of the mean cross entropy of x, y [B, T]. */
std::pair<mx::array, Arrays> loss_and_gradients(
    LanguageModel& model,
    const mx::array& x,
    const mx::array& y) {
  const Arrays own = model.parameters();
  const auto loss = [&](const Arrays& p) {
    model.assign(p);
    return std::vector{nn::cross_entropy(model.logits(x), y)};
  };
  try {
    nn::ValueAndGrad result =
        nn::value_and_grad(loss, nn::select(own, nn::everything));
    model.assign(own); // no tracers stay
    return {result.values[0], std::move(result.grads)};
  } catch (...) {
    model.assign(own);
    throw;
  }
}

void add_cache(nb::module_& m) {
  nb::class_<KVCache>(
      m,
      "KVCache",
      "Keys and values of the positions a model has read; model.make_cache() "
      "makes one.")
      .def_prop_ro("length", &KVCache::length, "Positions read.")
      .def(
          "trim",
          &KVCache::trim,
          "length"_a,
          "Forgets the positions from `length` on.")
      .def("state", &KVCache::state, "Everything by name, for a file.")
      .def("restore", &KVCache::restore, "state"_a)
      .def("__len__", &KVCache::length);
}

void add_shape(nb::class_<LanguageModel>& type) {
  type.def_prop_ro("model_type", &LanguageModel::model_type)
      .def_prop_ro("vocab_size", &LanguageModel::vocab_size)
      .def_prop_ro(
          "context_length",
          &LanguageModel::context_length,
          "Tokens it can read at once.")
      .def_prop_ro("layer_count", &LanguageModel::layer_count)
      .def_prop_ro(
          "sizes",
          [](const LanguageModel& model) {
            const ModelSizes s = sizes(model);
            return Json{
                {"layers", s.layers},
                {"heads", s.heads},
                {"kv_heads", s.kv_heads},
                {"width", s.width}};
          },
          "layers, heads, kv_heads and the width of the residual stream.")
      .def_prop_ro(
          "config", &LanguageModel::config, "The content of config.json.")
      .def_prop_ro(
          "parameter_count",
          [](const LanguageModel& model) { return parameter_count(model); })
      .def(
          "describe",
          [](const LanguageModel& model) { return describe(model); },
          "A table of layers, shapes and parameter counts.")
      .def("__repr__", [](const LanguageModel& model) {
        return "<" + model.model_type() + " of " +
            std::to_string(parameter_count(model)) + " parameters>";
      });
}

void add_parameters(nb::class_<LanguageModel>& type) {
  type.def(
          "initialize",
          &LanguageModel::initialize,
          "seed"_a,
          "Fills the weights from (seed, name).")
      .def(
          "parameters",
          &LanguageModel::parameters,
          "The weights by path, a dict of mx.array.")
      .def(
          "assign",
          &LanguageModel::assign,
          "values"_a,
          "Puts arrays in the place of those with the same path: also tracers, "
          "so that mx.grad sees through the model.")
      .def(
          "update",
          [](LanguageModel& model, const Arrays& values) {
            model.update(values);
          },
          "values"_a,
          "Replaces all weights. InputError lists what does not fit.")
      .def(
          "quantize",
          [](LanguageModel& model, int bits, int group_size) {
            return quantize_model(model, group_size, bits);
          },
          "bits"_a = 4,
          "group_size"_a = 64,
          "Packs the matrices into a few bits. Returns the paths of layers "
          "left as they are.")
      .def("dequantize", [](LanguageModel& model) { dequantize_model(model); })
      .def(
          "set_dropout_key",
          &LanguageModel::set_dropout_key,
          "key"_a = nb::none(),
          "A key switches dropout on (training), None off.");
}

void add_model(nb::module_& m) {
  nb::class_<LanguageModel> type(
      m, "LanguageModel", "A model with its weights; model(tokens) -> logits.");
  add_shape(type);
  add_parameters(type);
  type.def(
          "__call__",
          [](const LanguageModel& model,
             const mx::array& tokens,
             KVCache* cache) { return model.logits(tokens, cache); },
          "tokens"_a,
          "cache"_a.none() = nb::none(),
          "tokens [B, L] int32 -> logits [B, L, V]. With a cache the tokens "
          "follow what it holds. UsageError beyond context_length.")
      .def(
          "unembed",
          &LanguageModel::unembed,
          "x"_a,
          "What the residual stream [..., C] says as it is: logits [..., V].")
      .def(
          "loss_and_gradients",
          &loss_and_gradients,
          "x"_a,
          "y"_a,
          "Mean cross entropy of x, y [B, T] in nats, and its gradient by "
          "path: (loss, dict).")
      .def(
          "make_cache",
          [](const LanguageModel& model, int window, int bits, int group_size) {
            return model.make_cache({window, bits, group_size});
          },
          "window"_a = 0,
          "bits"_a = 0,
          "group_size"_a = 64,
          "An empty cache. window: positions kept, 0 for all; bits: 8 or 4 "
          "packs them.");
  m.def(
      "make_model",
      &make_model,
      "config"_a,
      "A new model of shape config[\"model_type\"], weights zero: call "
      "initialize(seed). InputError for a config that makes no sense.");
}

void add_files(nb::module_& m) {
  nb::class_<UsableModel>(
      m,
      "UsableModel",
      "A model that is ready to be talked to: weights, tokenizer, the tokens "
      "that end an answer, its chat format.")
      .def_prop_ro(
          "model",
          [](UsableModel& u) -> LanguageModel& { return *u.model; },
          nb::rv_policy::reference_internal)
      .def_prop_ro(
          "tokenizer",
          [](UsableModel& u) -> Tokenizer& { return *u.tokenizer; },
          nb::rv_policy::reference_internal)
      .def_ro("info", &UsableModel::info)
      .def_ro("path", &UsableModel::path)
      .def_prop_ro(
          "eos",
          [](const UsableModel& u) {
            return ends_of_answer(*u.tokenizer, u.info);
          },
          "Each of these ids ends an answer.")
      .def_prop_ro(
          "knows_chat",
          [](const UsableModel& u) { return static_cast<bool>(u.chat); })
      .def(
          "chat_text",
          [](const UsableModel& u, const Json& messages) {
            return chat_format("auto", *u.tokenizer, u.info)(messages, true);
          },
          "messages"_a,
          "The text that an answer to [{\"role\", \"content\"}, ...] follows.")
      .def(
          "encode",
          [](const UsableModel& u, const Json& messages) {
            return u.tokenizer->encode(
                chat_format("auto", *u.tokenizer, u.info)(messages, true),
                {.special = true});
          },
          "messages"_a,
          "The token ids of chat_text().")
      .def("__repr__", [](const UsableModel& u) {
        return "<" + u.path.filename().string() + ": " + u.model->model_type() +
            ", " + std::to_string(parameter_count(*u.model)) + " parameters>";
      });
  m.def(
      "load_for_use",
      &load_for_use,
      "name"_a,
      "offline"_a = false,
      Release(),
      "Loads what a name means, see resolve_model(); fetches it if it must and "
      "may. InputError names what is missing or damaged.");
  m.def(
      "save_model_folder",
      [](const std::filesystem::path& folder,
         const LanguageModel& model,
         const Tokenizer& tokenizer,
         const std::string& readme,
         const std::optional<TokenizerInfo>& info) {
        save_model_folder(
            folder,
            model,
            tokenizer,
            readme,
            real_files(),
            info.value_or(TokenizerInfo{}));
      },
      "folder"_a,
      "model"_a,
      "tokenizer"_a,
      "readme"_a = "",
      "info"_a = nb::none(),
      "Writes config.json, model.safetensors and tokenizer.json, as "
      "transformers and mlx-lm read them. `info` is usable.info of the model "
      "that this one was made from: its chat template and end tokens.");
}

} // namespace

void init_models(nb::module_& m) {
  add_cache(m);
  add_model(m);
  add_files(m);
}

} // namespace llm::python
