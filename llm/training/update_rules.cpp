// SPDX-License-Identifier: MIT
//
// One function each. Symbols as in the papers: p parameter, g gradient, m and v
// moments, t the update's number. Simplified: no AMSGrad, no dampening; Muon
// takes fused q, k, v as one matrix.

#include "llm/training/update_rules.h"

#include <algorithm>
#include <cmath>

#include <mlx/ops.h>

#include "llm/core/error.h"
#include "llm/kernels/cuda_update.h"
#include "llm/kernels/kernels.h"
#include "llm/training/muon.h"

namespace llm {

namespace {

using Config = OptimizerConfig;

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

/** All arrays of all lists. */
std::vector<mx::array> joined(
    const std::vector<std::vector<mx::array>>& lists) {
  std::vector<mx::array> out;
  for (const std::vector<mx::array>& list : lists) {
    out.insert(out.end(), list.begin(), list.end());
  }
  return out;
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

// [snippet adam-direction]
/** Adam's direction: the mean gradient over its root mean square. */
mx::array
adam_direction(const Config& c, const Shared& s, const mx::array& g, Leaf& l) {
  auto& m = l.moments[0];
  auto& v = l.moments[1];
  m = mean(c.beta1, m, g);
  v = mean(c.beta2, v, mx::square(g));
  return (m / s.correction1) / (mx::sqrt(v / s.correction2) + c.eps);
}
// [/snippet]

// in: p..., g..., m..., v..., scalars; out: p..., m..., v... .
std::vector<mx::array> plain_adamw(
    const Config& c,
    const std::vector<float>& decays,
    const std::vector<mx::array>& in) {
  const size_t n = decays.size();
  const std::vector<mx::array> each = mx::split(in[4 * n], 4);
  const Shared s{each[0], each[1], each[2], each[3], each[0], in[4 * n]};
  std::vector<mx::array> p, m, v;
  for (size_t i = 0; i < n; ++i) {
    const mx::array g = in[n + i] * s.scale;
    Leaf leaf{in[i], g, {in[2 * n + i], in[3 * n + i]}, decays[i]};
    const mx::array kept = shrunk(leaf, s.lr);
    p.push_back(kept - s.lr * adam_direction(c, s, g, leaf));
    m.push_back(leaf.moments[0]);
    v.push_back(leaf.moments[1]);
  }
  return joined({p, m, v});
}

/** How many parameters share an operation. Each of its outputs holds all of its
 * inputs and all other outputs, so one for n parameters costs n^2: for 39 a
 * millisecond, which an NVIDIA GPU would wait for. */
size_t together(bool on_cuda) {
  return on_cuda ? 4 : 64;
}

/** Leaves [first, last) in one operation, which reads `scalars`, too. */
void adamw_together(
    const Config& c,
    const std::vector<mx::array>& scalars,
    std::vector<Leaf>& leaves,
    size_t first,
    size_t last) {
  std::vector<mx::array> p, g, m, v;
  std::vector<float> decays;
  for (size_t i = first; i < last; ++i) {
    const Leaf& leaf = leaves[i];
    p.push_back(leaf.p);
    g.push_back(leaf.g);
    m.push_back(leaf.moments[0]);
    v.push_back(leaf.moments[1]);
    decays.push_back(leaf.decay);
  }
  const std::vector<mx::array> in = joined({p, g, m, v, scalars});
  const auto plain = [c, decays](const std::vector<mx::array>& in) {
    return plain_adamw(c, decays, in);
  };
  std::vector<mx::array> out;
  if constexpr (kernels::built) {
    if (kernels::on_cuda()) {
      out = kernels::cuda_adamw(in, {c.beta1, c.beta2, c.eps, decays});
    } else if (kernels::usable({scalars[0]})) {
      out = kernels::adamw(in, {c.beta1, c.beta2, c.eps, decays}, plain);
    }
  }
  if (out.empty()) {
    out = plain(in);
  }
  const size_t n = last - first;
  for (size_t i = 0; i < n; ++i) {
    leaves[first + i].p = out[i];
    leaves[first + i].moments = {out[n + i], out[2 * n + i]};
  }
}

void adamw(const Config& c, const Shared& s, std::vector<Leaf>& leaves) {
  const bool on_cuda = kernels::built && kernels::on_cuda();
  std::vector<mx::array> scalars = {s.scalars};
  if (on_cuda) { // each on its own: putting them together costs more
    scalars = {s.adamw_lr, s.correction1, s.correction2, s.scale};
    scalars.push_back(
        mx::astype(s.good.value_or(mx::array(true)), mx::float32));
  }
  const size_t n = together(on_cuda);
  for (size_t i = 0; i < leaves.size(); i += n) {
    adamw_together(c, scalars, leaves, i, std::min(i + n, leaves.size()));
  }
}

void adam(const Config& c, const Shared& s, std::vector<Leaf>& leaves) {
  if (kernels::built && kernels::on_cuda() && c.weight_decay == 0) {
    return adamw(c, s, leaves); // the same without decay
  }
  for (Leaf& leaf : leaves) {
    leaf.g = mx::astype(leaf.g, mx::float32) * s.scale;
    leaf.p = leaf.p - s.lr * adam_direction(c, s, with_l2(leaf), leaf);
  }
}

void lion(const Config& c, const Shared& s, Leaf& leaf) {
  auto& m = leaf.moments[0];
  const mx::array direction = mx::sign(mean(c.beta1, m, leaf.g));
  m = mean(c.beta2, m, leaf.g);
  leaf.p = shrunk(leaf, s.lr) - s.lr * direction;
}

// in: p..., g..., m..., lr; out: p..., m... .
std::vector<mx::array> plain_muon(
    const Config& c,
    const std::vector<mx::array>& in) {
  const size_t n = in.size() / 3;
  const mx::array& lr = in[3 * n];
  std::vector<mx::array> out(in.begin(), in.begin() + 2 * n);
  for (size_t i = 0; i < n; ++i) {
    const mx::array &p = in[i], &g = in[n + i];
    const mx::array m = mean(c.momentum, in[2 * n + i], g);
    const mx::array ahead = mean(c.momentum, m, g); // mu m + (1 - mu) g
    const mx::array direction = orthogonalize(ahead, c.newton_schulz_steps);
    const float size =
        muon_rms * std::sqrt(float(std::max(p.shape(0), p.shape(1))));
    const Leaf leaf{p, g, {}, c.weight_decay};
    out[i] = shrunk(leaf, lr) - (lr * size) * direction;
    out[n + i] = m;
  }
  return out;
}

void muon(const Config& c, const Shared& s, std::vector<Leaf>& leaves) {
  const size_t n = leaves.size();
  if (n == 0) {
    return;
  }
  std::vector<mx::array> p, g, m;
  for (const Leaf& leaf : leaves) {
    p.push_back(leaf.p);
    g.push_back(leaf.g);
    m.push_back(leaf.moments[0]);
  }
  const std::vector<mx::array> in = joined({p, g, m, {s.lr}});
  const auto plain = [c](const std::vector<mx::array>& in) {
    return plain_muon(c, in);
  };
  std::vector<mx::array> out;
  if constexpr (kernels::built) {
    if (kernels::usable({s.lr})) {
      out = kernels::muon(
          in,
          {.momentum = c.momentum,
           .weight_decay = c.weight_decay,
           .rms = muon_rms,
           .a = newton_schulz[0],
           .b = newton_schulz[1],
           .c = newton_schulz[2],
           .steps = c.newton_schulz_steps},
          plain);
    }
  }
  if (out.empty()) {
    out = plain(in);
  }
  for (size_t i = 0; i < n; ++i) {
    leaves[i].p = out[i];
    leaves[i].moments[0] = out[n + i];
  }
}

/** A rule for one array, for all. */
template <void (*One)(const Config&, const Shared&, Leaf&)>
void each(const Config& c, const Shared& s, std::vector<Leaf>& leaves) {
  for (Leaf& leaf : leaves) {
    One(c, s, leaf);
  }
}

} // namespace

const std::vector<Method>& methods() {
  static const std::vector<Method> all = {
      {"sgd", {}, each<sgd>},
      {"momentum", {"m."}, each<momentum>},
      {"adam", {"m.", "v."}, adam, true, false},
      {"adamw", {"m.", "v."}, adamw, true, true},
      {"lion", {"m."}, each<lion>},
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

const Method& method_for(
    const OptimizerConfig& config,
    const std::string& path,
    const mx::array& parameter) {
  static const Method beside = {"muon", {"m.", "v."}, adamw, true, true};
  const Method& method = method_named(config.name);
  return method.rule == muon && !uses_muon(path, parameter) ? beside : method;
}

Shared shared_values(
    const OptimizerConfig& c,
    const mx::array& lr,
    const mx::array& step,
    const mx::array& scale) {
  const mx::array one(1.0f);
  const mx::array correction1 =
      c.bias_correction ? bias_correction(c.beta1, step) : one;
  const mx::array correction2 =
      c.bias_correction ? bias_correction(c.beta2, step) : one;
  // Beside Muon AdamW has a learning rate of its own.
  const bool beside = method_named(c.name).rule == muon;
  const mx::array adamw_lr = beside ? lr * c.adamw_lr_scale : lr;
  const mx::array scalars =
      mx::stack({adamw_lr, correction1, correction2, scale});
  return {lr, correction1, correction2, scale, adamw_lr, scalars};
}

} // namespace llm
