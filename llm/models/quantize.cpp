// SPDX-License-Identifier: MIT

#include "llm/models/quantize.h"

#include <algorithm>
#include <map>
#include <utility>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/core/error.h"

namespace llm {

namespace {

/** f(path, layer, width of a row) for every Linear and Embedding. */
template <class F>
void for_each_matrix(LanguageModel& model, F&& f) {
  model.for_each_linear([&](const std::string& path, nn::Linear& layer) {
    f(path, layer, layer.in());
  });
  model.for_each_embedding([&](const std::string& path, nn::Embedding& layer) {
    f(path, layer, layer.dims());
  });
}

// [snippet pack]
template <class Layer>
void pack(Layer& layer, int group_size, int bits) {
  auto [packed, rest] = nn::quantize(layer.full_weight(), group_size, bits);
  mx::eval(packed, rest.scales, rest.biases); // one by one saves memory
  layer.weight = packed;
  layer.quantization = rest;
}
// [/snippet]

[[noreturn]] void
refuse_shapes(std::string_view where, const std::string& path, int in) {
  throw InputError(
      where,
      path +
          ": expected scales for groups of 32, 64 or 128 values in rows of " +
          std::to_string(in) +
          " but found other shapes; check that config.json belongs to it.");
}

/** The packing of rows of `in` values that the shapes say. */
nn::Quantization shapes_say(
    const mx::array& packed,
    const mx::array& scales,
    int in,
    const std::string& path,
    std::string_view where) {
  if (packed.ndim() != 2 || scales.ndim() != 2 || scales.shape(1) < 1 ||
      in % scales.shape(1) != 0 || packed.dtype() != mx::uint32 ||
      !mx::issubdtype(scales.dtype(), mx::floating)) {
    refuse_shapes(where, path, in);
  }
  const int group_size = in / scales.shape(1);
  const int bits = packed.shape(1) * 32 / in;
  try {
    nn::check_quantization(in, group_size, bits);
  } catch (const UsageError&) {
    refuse_shapes(where, path, in);
  }
  return {
      mx::zeros(scales.shape()), mx::zeros(scales.shape()), group_size, bits};
}

} // namespace

std::vector<std::string> quantize_model(
    LanguageModel& model,
    int group_size,
    int bits,
    const nn::PathFilter& filter) {
  nn::check_quantization(group_size, group_size, bits);
  std::vector<std::string> left;
  for_each_matrix(model, [&](const std::string& path, auto& layer, int in) {
    if (!filter(path)) {
      return;
    }
    if (in % group_size == 0) {
      pack(layer, group_size, bits);
    } else {
      left.push_back(path);
    }
  });
  return left;
}

void dequantize_model(LanguageModel& model) {
  for_each_matrix(model, [](const std::string&, auto& layer, int) {
    if (layer.quantization) {
      layer.weight = layer.full_weight();
      layer.quantization.reset();
      mx::eval(layer.weight);
    }
  });
}

void expect_quantized(
    LanguageModel& model,
    const nn::Parameters& arrays,
    std::string_view where) {
  for_each_matrix(model, [&](const std::string& path, auto& layer, int in) {
    const auto scales = arrays.find(path + ".scales");
    const auto packed = arrays.find(path + ".weight");
    if (scales == arrays.end() || packed == arrays.end()) {
      return;
    }
    const int out = layer.weight.shape(0);
    layer.quantization =
        shapes_say(packed->second, scales->second, in, path, where);
    layer.weight =
        mx::zeros({out, in * layer.quantization->bits / 32}, mx::uint32);
  });
}

void check_quantization_method(const Json& config) {
  const std::string where = "config.json";
  std::string method = "affine";
  for (const char* key : {"quantization_config", "quantization"}) {
    if (config.contains(key) && config[key].is_object()) {
      method = json_get_or(config[key], "quant_method", "affine", where);
      method = json_get_or<std::string>(config[key], "mode", method, where);
    }
  }
  if (method != "affine") {
    throw InputError(
        where,
        "quantization: expected MLX's affine layout but received \"" + method +
            "\"; take the model in full precision or from mlx-community.");
  }
}

Json quantization_to_json(
    const std::map<std::string, nn::Quantization>& layers) {
  std::map<std::pair<int, int>, int> votes;
  for (const auto& [path, q] : layers) {
    ++votes[{q.group_size, q.bits}];
  }
  if (votes.empty()) {
    return nullptr;
  }
  const auto usual = std::max_element(
      votes.begin(), votes.end(), [](const auto& a, const auto& b) {
        return a.second < b.second;
      });
  const auto settings = [](std::pair<int, int> s) {
    return Json{
        {"group_size", s.first}, {"bits", s.second}, {"mode", "affine"}};
  };
  Json out = settings(usual->first);
  for (const auto& [path, q] : layers) {
    const std::pair own = {q.group_size, q.bits};
    if (own != usual->first) {
      out[path] = settings(own);
    }
  }
  return out;
}

} // namespace llm
