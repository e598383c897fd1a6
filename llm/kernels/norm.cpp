// SPDX-License-Identifier: MIT
//
// RMSNorm and LayerNorm over rows, and their gradients. With h = (x - mean) r,
// r = 1 / sqrt(var + eps) and g = dy weight:
//   dx = r (g - mean(g) - h mean(g h)),  dweight = sum of dy h,  dbias = sum dy
// RMSNorm is the same without means of x and of g. The sums over rows are taken
// in a fixed number of parts, so their bits do not depend on the threads.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "llm/kernels/norm.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>

#include <mlx/ops.h>

#include "llm/kernels/kernels.h"
#include "llm/kernels/rows.h"
#include "llm/kernels/simd-inl.h"
#include "llm/kernels/thread_pool.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

struct Moments {
  float mean, rstd;
};

Moments moments(const float* x, int64_t n, float eps, bool centered) {
  float mean = 0;
  if (centered) {
    V sum = hn::Zero(D());
    for_vectors(n, [&](int64_t i, auto load, auto) HWY_ATTR {
      sum = hn::Add(sum, load(x + i));
    });
    mean = sum_of(sum) / static_cast<float>(n);
  }
  V squares = hn::Zero(D());
  const int64_t N = lanes();
  int64_t i = 0;
  for (; i + N <= n; i += N) {
    const V d = hn::Sub(hn::LoadU(D(), x + i), set(mean));
    squares = hn::MulAdd(d, d, squares);
  }
  float sum = sum_of(squares);
  for (; i < n; ++i) {
    sum += (x[i] - mean) * (x[i] - mean);
  }
  return {mean, 1.0f / std::sqrt(sum / static_cast<float>(n) + eps)};
}

void norm_row(
    const float* x,
    const float* weight,
    const float* bias,
    float* y,
    int64_t n,
    float eps,
    bool centered) {
  const Moments m = moments(x, n, eps, centered);
  const V mean = set(m.mean), rstd = set(m.rstd);
  for_vectors(n, [&](int64_t i, auto load, auto store) HWY_ATTR {
    const V h = hn::Mul(hn::Sub(load(x + i), mean), rstd);
    const V scaled = hn::Mul(h, load(weight + i));
    store(bias ? hn::Add(scaled, load(bias + i)) : scaled, y + i);
  });
}

/** y = a + b. */
void add_row(const float* a, const float* b, float* y, int64_t n) {
  for_vectors(n, [&](int64_t i, auto load, auto store) HWY_ATTR {
    store(hn::Add(load(a + i), load(b + i)), y + i);
  });
}

/** Adds to dweight and dbias (may be null); all have n elements. `more` (may
 * be null) is added to dx. */
void norm_row_gradient(
    const float* x,
    const float* weight,
    const float* dy,
    const float* more,
    float* dx,
    float* dweight,
    float* dbias,
    int64_t n,
    float eps,
    bool centered) {
  const Moments m = moments(x, n, eps, centered);
  const V mean = set(m.mean), rstd = set(m.rstd);
  V sum_g = hn::Zero(D()), sum_gh = hn::Zero(D());
  // Beyond the end load gives g = dy weight = 0, so h does not count there.
  for_vectors(n, [&](int64_t i, auto load, auto store) HWY_ATTR {
    const V h = hn::Mul(hn::Sub(load(x + i), mean), rstd);
    const V d = load(dy + i);
    const V g = hn::Mul(d, load(weight + i));
    sum_g = hn::Add(sum_g, g);
    sum_gh = hn::MulAdd(g, h, sum_gh);
    store(hn::MulAdd(d, h, load(dweight + i)), dweight + i);
    if (dbias) {
      store(hn::Add(d, load(dbias + i)), dbias + i);
    }
  });
  const auto count = static_cast<float>(n);
  const V mean_g = set(centered ? sum_of(sum_g) / count : 0.0f);
  const V mean_gh = set(sum_of(sum_gh) / count);
  for_vectors(n, [&](int64_t i, auto load, auto store) HWY_ATTR {
    const V h = hn::Mul(hn::Sub(load(x + i), mean), rstd);
    const V g = hn::Mul(load(dy + i), load(weight + i));
    const V inner = hn::NegMulAdd(h, mean_gh, hn::Sub(g, mean_g));
    const V d = hn::Mul(inner, rstd);
    store(more ? hn::Add(d, load(more + i)) : d, dx + i);
  });
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(add_row);
HWY_EXPORT(norm_row);
HWY_EXPORT(norm_row_gradient);

namespace {

constexpr int64_t kParts = 16; // of the rows, whatever the threads

/** f(part, first row, last row + 1). */
void for_parts(
    int64_t rows,
    const std::function<void(int64_t, int64_t, int64_t)>& f) {
  parallel_for(kParts, [&](int64_t part) {
    f(part, rows * part / kParts, rows * (part + 1) / kParts);
  });
}

struct NormSettings {
  float eps;
  bool centered, with_bias;
  bool residual = false; ///< the sum of two arrays is normed, and kept

  std::vector<double> list() const {
    return {eps, double(centered), double(with_bias), double(residual)};
  }
};

// in: x, weight, perhaps bias. out: y. If `residual` in: x, r, weight, perhaps
// bias. out: x + r, y.
void run_norm(const NormSettings& s, const Tensors& in, const Tensors& out) {
  const int64_t n = in[0].width();
  const float* weight = in[s.residual ? 2 : 1].data;
  const float* bias = s.with_bias ? in.back().data : nullptr;
  for_parts(in[0].rows(), [&](int64_t, int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const float* x = in[0].row(r);
      if (s.residual) {
        HWY_DYNAMIC_DISPATCH(add_row)(x, in[1].row(r), out[0].row(r), n);
        x = out[0].row(r);
      }
      HWY_DYNAMIC_DISPATCH(norm_row)
      (x, weight, bias, out.back().row(r), n, s.eps, s.centered);
    }
  });
}

// in: x, weight, perhaps bias, if `residual` the cotangent of x besides, dy.
// out: dx, dweight, perhaps dbias.
void run_norm_gradient(
    const NormSettings& s,
    const Tensors& in,
    const Tensors& out) {
  const int64_t n = in[0].width();
  const int64_t outputs = s.with_bias ? 2 : 1;
  const Tensor& dy = in.back();
  std::vector<float> sums(kParts * outputs * n, 0.0f);
  for_parts(in[0].rows(), [&](int64_t part, int64_t begin, int64_t end) {
    float* dweight = sums.data() + part * outputs * n;
    for (int64_t r = begin; r < end; ++r) {
      HWY_DYNAMIC_DISPATCH(norm_row_gradient)
      (in[0].row(r),
       in[1].data,
       dy.row(r),
       s.residual ? in[in.size() - 2].row(r) : nullptr,
       out[0].row(r),
       dweight,
       s.with_bias ? dweight + n : nullptr,
       n,
       s.eps,
       s.centered);
    }
  });
  for (int64_t k = 0; k < outputs; ++k) {
    for (int64_t i = 0; i < n; ++i) {
      float sum = 0;
      for (int64_t part = 0; part < kParts; ++part) {
        sum += sums[(part * outputs + k) * n + i];
      }
      out[1 + k].data[i] = sum;
    }
  }
}

/** The gradient of the norm of x, {x, weight, perhaps bias}; `plain` is the
 * norm, of these. */
Kernel gradient_kernel(const NormSettings& s, const Function& plain) {
  const size_t inputs = s.with_bias ? 3 : 2;
  Function plain_norm = plain_gradient(plain, inputs);
  if (s.residual) { // dx + more
    plain_norm = [=, norm = plain_norm](std::vector<mx::array> in) {
      const mx::array more = in[inputs];
      in.erase(in.begin() + inputs);
      std::vector<mx::array> out = norm(in);
      out[0] = mx::add(out[0], more);
      return out;
    };
  }
  return {
      .name = "norm_gradient",
      .settings = s.list(),
      .run = [s](const Tensors& in,
                 const Tensors& out) { run_norm_gradient(s, in, out); },
      .plain = plain_norm,
      .accepts = Accepts::row_gaps};
}

/** Cotangents of x, weight and perhaps bias from `in`, as run_norm_gradient
 * takes it. */
std::vector<mx::array> gradients(
    const NormSettings& s,
    const std::vector<mx::array>& in,
    const Function& plain) {
  std::vector<Output> outputs = {
      {.shape = in[0].shape(), .layout = Layout::as_first}};
  for (int i = 1; i <= (s.with_bias ? 2 : 1); ++i) {
    outputs.push_back({.shape = in[1].shape()});
  }
  return make_node(gradient_kernel(s, plain), in, outputs);
}

Kernel norm_kernel(const NormSettings& s, const Function& plain) {
  return {
      .name = "norm",
      .settings = s.list(),
      .run = [s](const Tensors& in,
                 const Tensors& out) { run_norm(s, in, out); },
      .plain = plain,
      .accepts = Accepts::row_gaps};
}

mx::array norm(
    const std::vector<mx::array>& inputs,
    const NormSettings& s,
    const Function& plain) {
  Kernel kernel = norm_kernel(s, plain);
  kernel.vjp = [s, plain](auto in, const auto& cotangents, const auto&) {
    in.push_back(cotangents[0]);
    return gradients(s, in, plain);
  };
  return make_node(
      std::move(kernel), inputs, {{.shape = inputs[0].shape()}})[0];
}

} // namespace

void norm_of_row(
    const float* x,
    const float* weight,
    const float* bias,
    float* y,
    int64_t n,
    float eps,
    bool centered) {
  HWY_DYNAMIC_DISPATCH(norm_row)(x, weight, bias, y, n, eps, centered);
}

mx::array rms_norm(
    const mx::array& x,
    const mx::array& weight,
    float eps,
    const Function& plain) {
  return norm(
      {x, weight}, {.eps = eps, .centered = false, .with_bias = false}, plain);
}

mx::array layer_norm(
    const mx::array& x,
    const mx::array& weight,
    const std::optional<mx::array>& bias,
    float eps,
    const Function& plain) {
  std::vector<mx::array> inputs = {x, weight};
  if (bias) {
    inputs.push_back(*bias);
  }
  return norm(
      inputs,
      {.eps = eps, .centered = true, .with_bias = bias.has_value()},
      plain);
}

std::vector<mx::array> add_norm(
    const mx::array& x,
    const mx::array& r,
    const mx::array& weight,
    const std::optional<mx::array>& bias,
    float eps,
    bool centered,
    const Function& plain) {
  const NormSettings s = {
      .eps = eps,
      .centered = centered,
      .with_bias = bias.has_value(),
      .residual = true};
  Kernel kernel = norm_kernel(s, [plain](const std::vector<mx::array>& in) {
    std::vector<mx::array> inputs(in.begin() + 1, in.end());
    inputs[0] = mx::add(in[0], in[1]);
    return std::vector<mx::array>{inputs[0], plain(inputs)[0]};
  });
  kernel.vjp = [s, plain](auto in, const auto& cotangents, const auto& out) {
    in.erase(in.begin());
    in[0] = out[0];
    in.insert(in.end(), cotangents.begin(), cotangents.end());
    std::vector<mx::array> d = gradients(s, in, plain);
    d.insert(d.begin(), d[0]); // the same of x and of r
    return d;
  };
  std::vector<mx::array> inputs = {x, r, weight};
  if (bias) {
    inputs.push_back(*bias);
  }
  return make_node(
      std::move(kernel), inputs, {{.shape = x.shape()}, {.shape = x.shape()}});
}

} // namespace llm::kernels
#endif // HWY_ONCE
