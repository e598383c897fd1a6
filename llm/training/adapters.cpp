// SPDX-License-Identifier: MIT

#include "llm/training/adapters.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include <mlx/ops.h>
#include <mlx/random.h>

#include "llm/core/error.h"
#include "llm/core/random.h"

namespace llm {

void AdapterConfig::validate() const {
  const auto require = [](bool ok, const std::string& expected, double value) {
    if (!ok) {
      std::string received = std::to_string(value);
      throw UsageError(
          "adapter",
          "expected " + expected + " but received " + received + ".");
    }
  };
  require(rank >= 1 && rank <= 4096, "a --rank from 1 to 4096", rank);
  require(std::isfinite(scale) && scale > 0, "a --scale greater than 0", scale);
  require(dropout >= 0 && dropout < 1, "0 <= --dropout < 1", dropout);
}

LayerPath layer_path(const std::string& path) {
  size_t begin = 0;
  while (begin < path.size()) {
    const size_t end = std::min(path.find('.', begin), path.size());
    int number = 0;
    const char* const last = path.data() + end;
    const auto [stop, error] =
        std::from_chars(path.data() + begin, last, number);
    if (error == std::errc() && stop == last && end < path.size()) {
      return {number, path.substr(end + 1)};
    }
    begin = end + 1;
  }
  return {-1, path};
}

// On a mismatch the last `*` takes one character more, so the time is at most
// the product of the lengths.
bool matches(std::string_view pattern, std::string_view text) {
  constexpr size_t none = std::string_view::npos;
  size_t p = 0, t = 0, star = none, taken = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != none) {
      p = star + 1;
      t = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == none;
}

namespace {

bool matches_layer(const std::string& pattern, const std::string& name) {
  return matches(pattern, name) ||
      matches(pattern, name.substr(name.rfind('.') + 1));
}

std::string joined(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

/** Calls f with every linear layer that has an adapter. */
void for_each_adapter(
    LanguageModel& model,
    const std::function<void(const std::string&, nn::Linear&)>& f) {
  model.for_each_linear([&](const std::string& path, nn::Linear& layer) {
    if (layer.lora) {
      f(path, layer);
    }
  });
}

} // namespace

std::vector<std::string> target_paths(
    LanguageModel& model,
    const AdapterConfig& config) {
  const int first =
      config.layers < 1 ? 0 : std::max(0, model.layer_count() - config.layers);
  std::vector<std::string> paths;
  std::set<std::string> unused(config.targets.begin(), config.targets.end());
  std::set<std::string> names;
  model.for_each_linear([&](const std::string& path, nn::Linear&) {
    const LayerPath where = layer_path(path);
    names.insert(where.name);
    // A layer outside the blocks, such as the head, must be named.
    const bool outside = where.block < 0;
    bool chosen = config.targets.empty() && !outside;
    for (const std::string& target : config.targets) {
      if (matches_layer(target, where.name)) {
        unused.erase(target);
        chosen = true;
      }
    }
    if (chosen && (outside || where.block >= first)) {
      paths.push_back(path);
    }
  });
  if (!unused.empty() || paths.empty()) {
    throw UsageError(
        "adapter",
        "expected --targets among the linear layers " + joined(names) +
            " but received " + joined(unused) + "; * stands for any letters.");
  }
  return paths;
}

void add_adapters(
    LanguageModel& model,
    const AdapterConfig& config,
    uint64_t seed) {
  config.validate();
  if (!adapter_parameters(model).empty()) {
    throw UsageError(
        "adapter",
        "expected a model without adapters but received one that has them; "
        "fuse them first.");
  }
  const std::vector<std::string> list = target_paths(model, config);
  const std::set<std::string> paths(list.begin(), list.end());
  model.for_each_linear([&](const std::string& path, nn::Linear& layer) {
    if (!paths.contains(path)) {
      return;
    }
    const int in = layer.in();
    nn::LoRA& lora = layer.lora.emplace(
        in,
        layer.out(),
        config.rank,
        config.scale,
        config.dropout,
        config.dora);
    // [snippet lora-a]
    const float bound = 1.0f / std::sqrt(static_cast<float>(in));
    lora.lora_a = mx::random::uniform(
        mx::array(-bound),
        mx::array(bound),
        lora.lora_a.shape(),
        mx::float32,
        mx::random::key(random_key(seed, path + ".lora_a")));
    // [/snippet]
    if (config.dora) {
      lora.m = nn::row_lengths(layer.full_weight());
    }
  });
  for (const auto& [path, array] : adapter_parameters(model)) {
    mx::array(array).eval();
  }
}

bool is_adapter_path(const std::string& path) {
  return path.ends_with(".lora_a") || path.ends_with(".lora_b") ||
      path.ends_with(".m");
}

nn::Parameters adapter_parameters(const LanguageModel& model) {
  return nn::select(model.parameters(), is_adapter_path);
}

void remove_adapters(LanguageModel& model) {
  for_each_adapter(
      model, [](const std::string&, nn::Linear& layer) { layer.lora.reset(); });
}

void fuse_adapters(LanguageModel& model) {
  for_each_adapter(model, [](const std::string&, nn::Linear& layer) {
    layer.weight = layer.merged_weight();
    layer.lora.reset();
    if (layer.quantization) {
      auto [packed, q] = nn::quantize(
          layer.weight,
          layer.quantization->group_size,
          layer.quantization->bits);
      layer.weight = packed;
      layer.quantization = q;
    }
    layer.weight.eval();
  });
}

} // namespace llm
