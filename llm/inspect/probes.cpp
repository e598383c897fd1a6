// SPDX-License-Identifier: MIT

#include "llm/inspect/probes.h"

#include <cmath>
#include <map>
#include <utility>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/core/error.h"

namespace llm::inspect {

namespace {

void check_index(const char* what, int value, int size) {
  if (value < 0 || value >= size) {
    throw UsageError(
        "intervention",
        std::string("expected ") + what + " from 0 to " +
            std::to_string(size - 1) + " but received " +
            std::to_string(value) + ".");
  }
}

void check_number(float value) {
  if (!std::isfinite(value)) {
    throw UsageError(
        "intervention", "expected a finite number but received another.");
  }
}

/** The residual stream after `layer` at the last token of a text, [C]. */
mx::array last_residual(
    const LanguageModel& model,
    const std::string& text,
    int layer,
    const Encode& encode) {
  const std::vector<int32_t> tokens = encode(text);
  if (tokens.empty()) {
    throw UsageError(
        "intervention",
        "expected a text for \"plus\" and \"minus\" but received an empty "
        "one.");
  }
  const auto reading = read(model, tokens, {.queries = false});
  const int last = reading->length() - 1;
  return mx::flatten(residuals(model, *reading, last, last + 1).at(layer + 1));
}

mx::array vector_of(
    const LanguageModel& model,
    const AddVector& add,
    const Encode& encode) {
  if (!add.values.empty()) {
    return mx::multiply(
        mx::array(
            add.values.data(),
            mx::Shape{static_cast<int>(add.values.size())},
            mx::float32),
        mx::array(add.scale));
  }
  if (!encode) {
    throw UsageError(
        "intervention",
        "expected \"values\" but received none; texts need a tokenizer.");
  }
  return mx::multiply(
      mx::subtract(
          last_residual(model, add.plus, add.layer, encode),
          last_residual(model, add.minus, add.layer, encode)),
      mx::array(add.scale));
}

class Prober {
 public:
  Prober(const LanguageModel& model, const Encode& encode, KVCache& cache)
      : model_(model), encode_(encode), cache_(cache), sizes_(sizes(model)) {}

  void operator()(const ReplaceToken&) {}

  void operator()(const ScaleHead& s) {
    check_index("a layer", s.layer, model_.layer_count());
    check_index("a head", s.head, sizes_.heads);
    check_number(s.by);
    scales_.try_emplace(s.layer, sizes_.heads, 1.0f);
    scales_.at(s.layer)[s.head] *= s.by;
  }

  void operator()(const ScaleMLP& s) {
    check_index("a layer", s.layer, model_.layer_count());
    check_number(s.by);
    LayerCache& layer = cache_.layers[s.layer];
    layer.mlp_scale = layer.mlp_scale.value_or(1.0f) * s.by;
  }

  void operator()(const AddVector& add) {
    check_index("a layer", add.layer, model_.layer_count());
    check_number(add.scale);
    const mx::array vector = vector_of(model_, add, encode_);
    if (vector.size() != static_cast<size_t>(sizes_.width)) {
      throw UsageError(
          "intervention",
          "expected " + std::to_string(sizes_.width) +
              " values, the model's width, but received " +
              std::to_string(vector.size()) + ".");
    }
    mx::eval(vector);
    cache_.residual.additions.emplace(
        add.layer + 1, ResidualProbe::Addition{vector, add.position});
  }

  void finish() {
    for (const auto& [layer, scales] : scales_) {
      cache_.layers[layer].head_scale =
          mx::array(scales.data(), mx::Shape{static_cast<int>(scales.size())});
    }
  }

 private:
  const LanguageModel& model_;
  const Encode& encode_;
  KVCache& cache_;
  std::map<int, std::vector<float>> scales_;
  ModelSizes sizes_;
};

} // namespace

void replace_tokens(
    std::vector<int32_t>& tokens,
    const std::vector<Intervention>& interventions) {
  for (const Intervention& one : interventions) {
    if (const auto* replace = std::get_if<ReplaceToken>(&one)) {
      check_index(
          "a position", replace->position, static_cast<int>(tokens.size()));
      tokens[replace->position] = replace->id;
    }
  }
}

KVCache probing_cache(
    const LanguageModel& model,
    const std::vector<Intervention>& interventions,
    const Encode& encode) {
  KVCache cache(std::vector<int>(model.layer_count(), 0));
  Prober prober(model, encode, cache);
  for (const Intervention& one : interventions) {
    std::visit(prober, one);
  }
  prober.finish();
  return cache;
}

} // namespace llm::inspect
