// SPDX-License-Identifier: MIT

#include "llm/models/layer_types.h"

#include "llm/core/error.h"

namespace llm {

std::vector<int> read_layer_types(
    const Json& config,
    const std::string& where,
    int layers,
    int window,
    const std::function<bool(int)>& slides) {
  const Json types = config.value("layer_types", Json());
  const bool listed = !types.is_null();
  if (listed && (!types.is_array() || types.size() != size_t(layers))) {
    throw InputError(
        where,
        "layer_types: expected a list of " + std::to_string(layers) +
            " names, one for each layer, but received " +
            std::to_string(types.size()) + ".");
  }
  std::vector<int> out;
  for (int i = 0; i < layers; ++i) {
    const bool slide = listed ? types[i] == "sliding_attention" : slides(i);
    if (listed && !slide && types[i] != "full_attention") {
      throw InputError(
          where,
          "layer_types: expected full_attention or sliding_attention but "
          "received " +
              types[i].dump() + ".");
    }
    if (slide && window == 0) {
      throw InputError(
          where,
          "sliding_window: expected a number, since layer " +
              std::to_string(i) + " is of type sliding_attention.");
    }
    out.push_back(slide ? window : 0);
  }
  return out;
}

Json layer_types(const std::vector<int>& windows) {
  Json out = Json::array();
  for (int window : windows) {
    out.push_back(window > 0 ? "sliding_attention" : "full_attention");
  }
  return out;
}

int read_window(const Json& config, const std::string& where, int fallback) {
  const char* const key = "sliding_window";
  if (config.contains(key) && config[key].is_null()) {
    return 0;
  }
  const int window = json_get_or<int>(config, key, fallback, where);
  if (window < 1) {
    throw InputError(
        where,
        std::string(key) + ": expected at least 1, or null, but received " +
            std::to_string(window) + ".");
  }
  return window;
}

} // namespace llm
