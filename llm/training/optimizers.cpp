// SPDX-License-Identifier: MIT
//
// The rules, one function each, then the walk that applies them. Symbols as in
// the papers: p parameter, g gradient, m and v moments, t the update's number.
// Simplified: no AMSGrad, no dampening; Muon takes fused q, k, v as one matrix.

#include "llm/training/optimizers.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <utility>

#include <mlx/ops.h>

#include "llm/core/error.h"
#include "llm/kernels/kernels.h"
#include "llm/training/muon.h"

namespace llm {

namespace {

using Config = OptimizerConfig;

/** Scalars that all arrays of one update share, computed once. */
struct Shared {
  mx::array lr;
  mx::array correction1; ///< 1 - beta1^t: moments start at zero, so they
  mx::array correction2; ///< are too small at first; see Adam, section 3
  mx::array scalars; ///< [3], these in one array, with the lr of AdamW
};

/** One array on its way through a rule, which changes p and moments. */
struct Leaf {
  mx::array p;
  mx::array g;
  std::vector<mx::array> moments;
  float decay; ///< 0 for vectors: norms and biases have no reason to shrink
};

using Rule = void (*)(const Config&, const Shared&, Leaf&);

struct Method {
  std::string name;
  std::vector<std::string> moments; ///< prefixes of the names in the state
  Rule rule;
};

/** 1 - beta without the rounding of a float subtraction. */
float rest(float beta) {
  return static_cast<float>(1.0 - static_cast<double>(beta));
}

/** 1 - beta^t. expm1 keeps the digits that 1 - 0.999^1 would lose. */
mx::array bias_correction(float beta, const mx::array& t) {
  if (beta == 0.0f) {
    return mx::array(1.0f);
  }
  const auto log_beta = static_cast<float>(std::log(double{beta}));
  return mx::negative(mx::expm1(t * log_beta));
}

/** beta a + (1 - beta) b: the running mean of all optimizers here. */
mx::array mean(float beta, const mx::array& a, const mx::array& b) {
  return beta * a + rest(beta) * b;
}

/** L2: the decay is part of the gradient, and so passes through moments. */
mx::array with_l2(const Leaf& leaf) {
  return leaf.decay > 0 ? leaf.g + leaf.decay * leaf.p : leaf.g;
}

/** Decoupled decay: p shrinks by lr * decay whatever the gradient is. */
mx::array shrunk(const Leaf& leaf, const mx::array& lr) {
  return leaf.decay > 0 ? leaf.p * (1.0f - lr * leaf.decay) : leaf.p;
}

void sgd(const Config&, const Shared& s, Leaf& leaf) {
  leaf.p = leaf.p - s.lr * with_l2(leaf);
}

void momentum(const Config& c, const Shared& s, Leaf& leaf) {
  auto& m = leaf.moments[0];
  const mx::array g = with_l2(leaf);
  m = c.momentum * m + g;
  leaf.p = leaf.p - s.lr * (c.nesterov ? g + c.momentum * m : m);
}

/** Adam's direction: the mean gradient over its root mean square. */
mx::array
adam_direction(const Config& c, const Shared& s, const mx::array& g, Leaf& l) {
  auto& m = l.moments[0];
  auto& v = l.moments[1];
  m = mean(c.beta1, m, g);
  v = mean(c.beta2, v, mx::square(g));
  return (m / s.correction1) / (mx::sqrt(v / s.correction2) + c.eps);
}

void adam(const Config& c, const Shared& s, Leaf& leaf) {
  leaf.p = leaf.p - s.lr * adam_direction(c, s, with_l2(leaf), leaf);
}

// in: p, g, m, v, scalars; out: p, m, v.
std::vector<mx::array> plain_adamw(
    const Config& c,
    float decay,
    const std::vector<mx::array>& in) {
  const std::vector<mx::array> each = mx::split(in[4], 3);
  const Shared s{each[0], each[1], each[2], in[4]};
  Leaf leaf{in[0], in[1], {in[2], in[3]}, decay};
  const mx::array p = shrunk(leaf, s.lr);
  const mx::array direction = adam_direction(c, s, leaf.g, leaf);
  return {p - s.lr * direction, leaf.moments[0], leaf.moments[1]};
}

void adamw(const Config& c, const Shared& s, Leaf& leaf) {
  const auto plain = [c, decay = leaf.decay](
                         const std::vector<mx::array>& in) {
    return plain_adamw(c, decay, in);
  };
  const auto& m = leaf.moments;
  std::vector<mx::array> out;
  if constexpr (kernels::built) {
    if (kernels::usable({leaf.p, leaf.g})) {
      const kernels::AdamWSettings settings{
          c.beta1, c.beta2, c.eps, leaf.decay};
      out = kernels::adamw(
          leaf.p, leaf.g, m[0], m[1], s.scalars, settings, plain);
    }
  }
  if (out.empty()) {
    out = plain({leaf.p, leaf.g, m[0], m[1], s.scalars});
  }
  leaf.p = out[0];
  leaf.moments = {out[1], out[2]};
}

void lion(const Config& c, const Shared& s, Leaf& leaf) {
  auto& m = leaf.moments[0];
  const mx::array direction = mx::sign(mean(c.beta1, m, leaf.g));
  m = mean(c.beta2, m, leaf.g);
  leaf.p = shrunk(leaf, s.lr) - s.lr * direction;
}

void muon(const Config& c, const Shared& s, Leaf& leaf) {
  auto& m = leaf.moments[0];
  m = mean(c.momentum, m, leaf.g);
  const mx::array ahead = mean(c.momentum, m, leaf.g); // mu m + (1 - mu) g
  const mx::array direction = orthogonalize(ahead, c.newton_schulz_steps);
  // An orthogonal [A, B] has entries of RMS 1 / sqrt(max(A, B)); AdamW's have
  // about 0.2. With this factor one learning rate fits both (2502.16982).
  const float scale =
      0.2f * std::sqrt(float(std::max(leaf.p.shape(0), leaf.p.shape(1))));
  leaf.p = shrunk(leaf, s.lr) - (s.lr * scale) * direction;
}

const std::vector<Method>& methods() {
  static const std::vector<Method> all = {
      {"sgd", {}, sgd},
      {"momentum", {"m."}, momentum},
      {"adam", {"m.", "v."}, adam},
      {"adamw", {"m.", "v."}, adamw},
      {"lion", {"m."}, lion},
      {"muon", {"m."}, muon},
  };
  return all;
}

const Method& method_named(const std::string& name) {
  std::string list;
  for (const Method& method : methods()) {
    if (method.name == name) {
      return method;
    }
    list += (list.empty() ? "" : ", ") + method.name;
  }
  throw UsageError(
      "Optimizer",
      "expected one of " + list + " but received '" + name +
          "'; choose one of these names.");
}

/** The rule for one parameter: Muon has two. */
const Method& method_for(
    const Config& config,
    const std::string& path,
    const mx::array& parameter) {
  static const Method beside = {"muon", {"m.", "v."}, adamw};
  const Method& method = method_named(config.name);
  return method.rule == muon && !uses_muon(path, parameter) ? beside : method;
}

std::string to_text(const mx::Shape& shape) {
  std::ostringstream out;
  out << shape;
  return out.str();
}

/** values[name], which must exist and have this shape; as float32. */
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
  return mx::astype(it->second, mx::float32);
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
  const Config& c = config_;
  method_named(c.name);
  require(c.beta1 >= 0 && c.beta1 < 1, "0 <= beta1 < 1", c.beta1);
  require(c.beta2 >= 0 && c.beta2 < 1, "0 <= beta2 < 1", c.beta2);
  require(c.momentum >= 0 && c.momentum < 1, "0 <= momentum < 1", c.momentum);
  require(c.eps > 0 && c.eps < 1, "0 < eps < 1", c.eps);
  const float decay = c.weight_decay, scale = c.adamw_lr_scale;
  require(decay >= 0 && decay < 10, "0 <= weight decay < 10", decay);
  require(scale >= 0 && scale < 1e6f, "0 <= adamw_lr_scale < 1e6", scale);
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
    const mx::array& step) const {
  const mx::array correction1 = bias_correction(config_.beta1, step);
  const mx::array correction2 = bias_correction(config_.beta2, step);
  // Beside Muon AdamW has a learning rate of its own.
  const bool beside = method_named(config_.name).rule == muon;
  const mx::array adamw_lr = beside ? lr * config_.adamw_lr_scale : lr;
  const Shared shared{
      lr,
      correction1,
      correction2,
      mx::stack({adamw_lr, correction1, correction2})};
  OptimizerStep out;
  for (const auto& [path, p] : params) {
    const Method& method = method_for(config_, path, p);
    Leaf leaf{
        mx::astype(p, mx::float32),
        fetch(grads, path, p.shape(), "the gradient"),
        {},
        p.ndim() >= 2 ? config_.weight_decay : 0.0f};
    for (const std::string& prefix : method.moments) {
      leaf.moments.push_back(
          fetch(state, prefix + path, p.shape(), "the state"));
    }
    method.rule(config_, shared, leaf);
    out.params.emplace(path, mx::astype(leaf.p, p.dtype()));
    for (size_t i = 0; i < method.moments.size(); ++i) {
      out.state.emplace(method.moments[i] + path, leaf.moments[i]);
    }
  }
  return out;
}

mx::array global_norm(const nn::Parameters& grads) {
  mx::array total = mx::array(0.0f);
  for (const auto& [path, g] : grads) {
    total = total + mx::sum(mx::square(mx::astype(g, mx::float32)));
  }
  return mx::sqrt(total);
}

nn::Parameters
clip(const nn::Parameters& grads, float max_norm, const mx::array& norm) {
  if (!(max_norm > 0)) {
    std::ostringstream text;
    text << max_norm;
    throw UsageError(
        "clip",
        "expected a norm > 0 but received " + text.str() +
            "; do not call clip to leave gradients as they are.");
  }
  const mx::array scale =
      mx::minimum(max_norm / (norm + 1e-6f), mx::array(1.0f));
  nn::Parameters out;
  for (const auto& [path, g] : grads) {
    out.emplace(path, mx::astype(g * scale, g.dtype()));
  }
  return out;
}

} // namespace llm
