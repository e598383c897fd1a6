// SPDX-License-Identifier: MIT
//
// Small models for the tests of fine-tuning: packed, wider, with adapters that
// are not zero.

#pragma once

#include <memory>

#include "llm/models/quantize.h"
#include "llm/nn/init.h"
#include "llm/training/adapters.h"
#include "tests/cpp/generation/small_models.h"

namespace llm::test {

/** small::qwen with 8-bit matrices where their rows divide. */
inline std::unique_ptr<LanguageModel> packed_qwen() {
  auto model = small::qwen();
  quantize_model(*model, 32, 8);
  return model;
}

/** The same architecture, twice as wide. */
inline std::unique_ptr<LanguageModel> wide_qwen() {
  Json config = small::qwen()->config();
  config["hidden_size"] = 64;
  return small::random_model(config);
}

/** Adapters on q and v of all layers, all of whose arrays are random. */
inline AdapterConfig add_random_adapters(LanguageModel& model, bool dora) {
  AdapterConfig c;
  c.dora = dora;
  add_adapters(model, c, 1);
  nn::Parameters arrays = adapter_parameters(model);
  for (auto& [path, array] : arrays) {
    const float size = path.ends_with(".lora_b") ? 0.01f : 0.1f;
    array = mx::add(array, nn::normal_init(array, size, 2, path));
    array.eval();
  }
  model.assign(arrays);
  return c;
}

} // namespace llm::test
