// SPDX-License-Identifier: MIT
//
// The cache as named arrays: "length", and for each layer the stores' parts
// without the room they have left, "layers.0.keys.0", "layers.0.values.0".

#include <mlx/ops.h>

#include "llm/core/error.h"
#include "llm/models/kv_cache.h"

namespace llm {

namespace {

using State = std::map<std::string, mx::array>;

[[noreturn]] void refuse(const std::string& expected) {
  throw InputError(
      "prompt cache",
      "expected " + expected +
          "; it belongs to another model or other cache options, make it "
          "again.");
}

const mx::array& find(const State& state, const std::string& name) {
  const auto it = state.find(name);
  if (it == state.end()) {
    refuse("the array " + name + " but found none");
  }
  return it->second;
}

int read_length(const State& state) {
  const mx::array& length = find(state, "length");
  if (length.size() != 1 || length.dtype() != mx::int32 ||
      mx::array(length).item<int>() < 0) {
    refuse("the number of positions as length");
  }
  return mx::array(length).item<int>();
}

mx::array
find_part(const State& state, const std::string& name, int positions) {
  const mx::array& part = find(state, name);
  if (part.ndim() != 4 || part.shape(2) != positions) {
    refuse(std::to_string(positions) + " positions in " + name);
  }
  return part;
}

std::string name_of(size_t layer, const char* store, size_t part) {
  return "layers." + std::to_string(layer) + store + std::to_string(part);
}

} // namespace

State KVCache::state() const {
  State out;
  out.emplace("length", mx::array(length()));
  for (size_t i = 0; i < layers.size(); ++i) {
    const LayerCache& layer = layers[i];
    const auto save = [&](const char* what, const CacheStore& store) {
      for (size_t j = 0; j < store.parts.size(); ++j) {
        mx::Shape end = store.parts[j].shape();
        end[2] = layer.held();
        out.emplace(
            name_of(i, what, j),
            mx::contiguous(mx::slice(store.parts[j], {0, 0, 0, 0}, end)));
      }
    };
    save(".keys.", layer.keys_);
    save(".values.", layer.values_);
  }
  return out;
}

void KVCache::restore(const State& state) {
  const int length = read_length(state);
  std::vector<LayerCache> restored; // nothing changes when it does not fit
  size_t used = 1;
  for (size_t i = 0; i < layers.size(); ++i) {
    LayerCache& layer = restored.emplace_back(layers[i].options_);
    layer.length_ = length;
    const size_t parts = length == 0 ? 0 : layer.options_.bits == 0 ? 1 : 3;
    for (size_t j = 0; j < parts; ++j) {
      layer.keys_.parts.push_back(
          find_part(state, name_of(i, ".keys.", j), layer.held()));
      layer.values_.parts.push_back(
          find_part(state, name_of(i, ".values.", j), layer.held()));
    }
    used += 2 * parts;
  }
  if (used != state.size()) {
    refuse(
        std::to_string(used) + " arrays but found " +
        std::to_string(state.size()));
  }
  layers = std::move(restored);
}

} // namespace llm
