// SPDX-License-Identifier: MIT
//
// The walk over all parameters; the rules are in update_rules.cpp.

#include "llm/training/optimizers.h"

#include <map>
#include <sstream>
#include <utility>

#include <mlx/ops.h>

#include "llm/core/error.h"
#include "llm/kernels/cuda_kernel.h"
#include "llm/kernels/kernels.h"
#include "llm/training/update_rules.h"

namespace llm {

namespace {

std::string to_text(const mx::Shape& shape) {
  std::ostringstream out;
  out << shape;
  return out.str();
}

/** values[name], which must exist and have this shape. */
mx::array fetch(
    const nn::Parameters& values,
    const std::string& name,
    const mx::Shape& shape,
    const std::string& what) {
  const auto it = values.find(name);
  if (it == values.end()) {
    throw UsageError(
        "Optimizer",
        "expected " + what + " '" + name +
            "' but received none; pass one array for each parameter (a state "
            "belongs to the optimizer whose init() made it).");
  }
  if (it->second.shape() != shape) {
    throw UsageError(
        "Optimizer",
        "expected " + what + " '" + name + "' of shape " + to_text(shape) +
            " but received " + to_text(it->second.shape()) +
            "; pass the arrays of one model.");
  }
  return it->second;
}

/** `now`, or `before` where `good` is false. */
mx::array only_if(
    const std::optional<mx::array>& good,
    const mx::array& now,
    const mx::array& before) {
  return good ? mx::where(*good, now, before) : now;
}

float lr_scale(const OptimizerConfig& config, const std::string& path) {
  return path.ends_with(".lora_b") ? config.lora_b_lr_scale : 1.0f;
}

/** `ok` is written so that NaN makes it false. */
void require(bool ok, const std::string& expected, float received) {
  if (!ok) {
    std::ostringstream text;
    text << received;
    throw UsageError(
        "Optimizer",
        "expected " + expected + " but received " + text.str() +
            "; choose a value in that range.");
  }
}

} // namespace

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (const Method& method : methods()) {
    names.push_back(method.name);
  }
  return names;
}

Optimizer::Optimizer(OptimizerConfig config) : config_(std::move(config)) {
  const OptimizerConfig& c = config_;
  method_named(c.name);
  require(c.beta1 >= 0 && c.beta1 < 1, "0 <= beta1 < 1", c.beta1);
  require(c.beta2 >= 0 && c.beta2 < 1, "0 <= beta2 < 1", c.beta2);
  require(c.momentum >= 0 && c.momentum < 1, "0 <= momentum < 1", c.momentum);
  require(c.eps > 0 && c.eps < 1, "0 < eps < 1", c.eps);
  const float decay = c.weight_decay, scale = c.adamw_lr_scale;
  require(decay >= 0 && decay < 10, "0 <= weight decay < 10", decay);
  require(scale >= 0 && scale < 1e6f, "0 <= adamw_lr_scale < 1e6", scale);
  const float plus = c.lora_b_lr_scale;
  require(plus > 0 && plus < 1e6f, "0 < lora_b_lr_scale < 1e6", plus);
  const int n = c.newton_schulz_steps;
  require(n >= 1 && n < 100, "1 to 99 Newton-Schulz steps", float(n));
}

nn::Parameters Optimizer::init(const nn::Parameters& params) const {
  nn::Parameters state;
  for (const auto& [path, p] : params) {
    for (const std::string& prefix : method_for(config_, path, p).moments) {
      state.emplace(prefix + path, mx::zeros(p.shape(), mx::float32));
    }
  }
  return state;
}

OptimizerStep Optimizer::step(
    const nn::Parameters& params,
    const nn::Parameters& grads,
    const nn::Parameters& state,
    const mx::array& lr,
    const mx::array& step,
    const std::optional<mx::array>& scale,
    const std::optional<mx::array>& good) const {
  // Each rule gets all of its arrays of one learning rate at once.
  struct Group {
    std::vector<std::string> paths;
    std::vector<Leaf> leaves;
  };
  std::map<std::pair<const Method*, float>, Group> groups;
  const bool on_cuda = kernels::built && kernels::on_cuda();
  for (const auto& [path, p] : params) {
    const Method& method = method_for(config_, path, p);
    const mx::array g = fetch(grads, path, p.shape(), "the gradient");
    Leaf leaf{
        mx::astype(p, mx::float32),
        on_cuda && method.any_type ? g : mx::astype(g, mx::float32),
        {},
        p.ndim() >= 2 ? config_.weight_decay : 0.0f};
    if (scale && !method.scales) {
      leaf.g = leaf.g * *scale;
    }
    for (const std::string& prefix : method.moments) {
      leaf.moments.push_back(mx::astype(
          fetch(state, prefix + path, p.shape(), "the state"), mx::float32));
    }
    Group& group = groups[{&method, lr_scale(config_, path)}];
    group.paths.push_back(path);
    group.leaves.push_back(std::move(leaf));
  }
  OptimizerStep out;
  for (auto& [key, group] : groups) {
    const auto& [method, rate] = key;
    Shared shared = shared_values(
        config_,
        rate == 1.0f ? lr : lr * rate,
        step,
        scale.value_or(mx::array(1.0f)));
    shared.good = good;
    method->rule(config_, shared, group.leaves);
    const bool done = on_cuda && method->any_type; // it has looked at `good`
    const std::optional<mx::array> look = done ? std::nullopt : good;
    for (size_t i = 0; i < group.paths.size(); ++i) {
      const std::string& path = group.paths[i];
      const Leaf& leaf = group.leaves[i];
      const mx::array& before = params.at(path);
      out.params.emplace(
          path, only_if(look, mx::astype(leaf.p, before.dtype()), before));
      for (size_t j = 0; j < method->moments.size(); ++j) {
        const std::string name = method->moments[j] + path;
        out.state.emplace(name, only_if(look, leaf.moments[j], state.at(name)));
      }
    }
  }
  return out;
}

} // namespace llm
