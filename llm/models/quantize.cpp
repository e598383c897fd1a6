// SPDX-License-Identifier: MIT

#include "llm/models/quantize.h"

#include <mlx/transforms.h>

namespace llm {

std::vector<std::string> quantize_model(
    LanguageModel& model,
    int group_size,
    int bits,
    const nn::PathFilter& filter) {
  nn::check_quantization(group_size, group_size, bits);
  std::vector<std::string> left;
  const auto pack = [&](const std::string& path, auto& layer) {
    if (!filter(path)) {
      return;
    }
    const mx::array full = layer.full_weight();
    if (full.shape(1) % group_size != 0) {
      left.push_back(path);
      return;
    }
    auto [packed, rest] = nn::quantize(full, group_size, bits);
    mx::eval(packed, rest.scales, rest.biases); // one by one saves memory
    layer.weight = packed;
    layer.quantization = rest;
  };
  model.for_each_linear(pack);
  model.for_each_embedding(pack);
  return left;
}

void dequantize_model(LanguageModel& model) {
  const auto unpack = [](const std::string&, auto& layer) {
    if (layer.quantization) {
      layer.weight = layer.full_weight();
      layer.quantization.reset();
      mx::eval(layer.weight);
    }
  };
  model.for_each_linear(unpack);
  model.for_each_embedding(unpack);
}

} // namespace llm
