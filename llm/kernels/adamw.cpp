// SPDX-License-Identifier: MIT
//
// AdamW of all arrays in one pass (Loshchilov and Hutter, arXiv 1711.05101):
//   m = b1 m + (1 - b1) g,   v = b2 v + (1 - b2) g^2
//   p = p (1 - lr decay) - lr (m / c1) / (sqrt(v / c2) + eps)
// with c1 = 1 - b1^t, c2 = 1 - b2^t and g the gradient times the factor that
// clips it; and the norm that this factor comes from.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "llm/kernels/adamw.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>
#include <vector>

#include "llm/kernels/kernels.h"
#include "llm/kernels/simd-inl.h"
#include "llm/kernels/thread_pool.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

/** Elements [begin, begin + n) of array i; in: p..., g..., m..., v..., scalars;
 * out: p..., m..., v... . */
void adamw_part(
    const AdamWSettings& s,
    const Tensors& in,
    const Tensors& out,
    size_t i,
    int64_t begin,
    int64_t n) {
  const size_t count = s.weight_decays.size();
  const float* p = in[i].data + begin;
  const float* g = in[count + i].data + begin;
  const float* m = in[2 * count + i].data + begin;
  const float* v = in[3 * count + i].data + begin;
  float* new_p = out[i].data + begin;
  float* new_m = out[count + i].data + begin;
  float* new_v = out[2 * count + i].data + begin;
  const float* scalars = in.back().data;
  const float lr = scalars[0];
  const V c1 = set(1.0f / scalars[1]), c2 = set(1.0f / scalars[2]);
  const V keep = set(1.0f - lr * s.weight_decays[i]), rate = set(lr);
  const V scale = set(scalars[3]);
  const V b1 = set(s.beta1), b2 = set(s.beta2), eps = set(s.eps);
  // 1 - beta in double: a float subtraction would lose digits of 1 - 0.999.
  const V r1 = set(static_cast<float>(1.0 - double{s.beta1}));
  const V r2 = set(static_cast<float>(1.0 - double{s.beta2}));
  for_vectors(n, [&](int64_t i, auto load, auto store) HWY_ATTR {
    const V gi = hn::Mul(scale, load(g + i));
    const V mi = hn::MulAdd(b1, load(m + i), hn::Mul(r1, gi));
    const V vi = hn::MulAdd(b2, load(v + i), hn::Mul(r2, hn::Mul(gi, gi)));
    const V size = hn::Add(hn::Sqrt(hn::Mul(vi, c2)), eps);
    const V direction = hn::Div(hn::Mul(mi, c1), size);
    store(mi, new_m + i);
    store(vi, new_v + i);
    store(
        hn::NegMulAdd(rate, direction, hn::Mul(load(p + i), keep)), new_p + i);
  });
}

float sum_of_squares(const float* x, int64_t n) {
  V sum = hn::Zero(D());
  for_vectors(n, [&](int64_t i, auto load, auto) HWY_ATTR {
    const V v = load(x + i);
    sum = hn::MulAdd(v, v, sum);
  });
  return sum_of(sum);
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(adamw_part);
HWY_EXPORT(sum_of_squares);

namespace {

/** Elements [begin, begin + n) of one of many arrays. */
struct Part {
  size_t array;
  int64_t begin, n;
};

/** The first `count` arrays in parts, the same whatever the threads. */
std::vector<Part> parts_of(const Tensors& arrays, size_t count) {
  constexpr int64_t kPart = 16384;
  std::vector<Part> parts;
  for (size_t i = 0; i < count; ++i) {
    const int64_t size = arrays[i].size();
    for (int64_t begin = 0; begin < size; begin += kPart) {
      parts.push_back({i, begin, std::min(kPart, size - begin)});
    }
  }
  return parts;
}

} // namespace

std::vector<mx::array> adamw(
    const std::vector<mx::array>& inputs,
    const AdamWSettings& s,
    const Function& plain) {
  const size_t n = s.weight_decays.size(); // inputs: p, g, m, v, scalars
  std::vector<Output> outputs;
  for (const size_t first : {size_t{0}, 2 * n, 3 * n}) {
    for (size_t i = 0; i < n; ++i) {
      const auto donor = static_cast<int>(first + i);
      outputs.push_back({.shape = inputs[i].shape(), .donor = donor});
    }
  }
  std::vector<double> settings = {s.beta1, s.beta2, s.eps};
  settings.insert(
      settings.end(), s.weight_decays.begin(), s.weight_decays.end());
  Kernel kernel{
      .name = "adamw",
      .settings = std::move(settings),
      .run =
          [s, n](const Tensors& in, const Tensors& out) {
            const std::vector<Part> parts = parts_of(in, n);
            parallel_for(static_cast<int64_t>(parts.size()), [&](int64_t i) {
              HWY_DYNAMIC_DISPATCH(adamw_part)
              (s, in, out, parts[i].array, parts[i].begin, parts[i].n);
            });
          },
      .plain = plain};
  return make_node(std::move(kernel), inputs, outputs);
}

mx::array global_norm(
    const std::vector<mx::array>& arrays,
    const Function& plain) {
  Kernel kernel{
      .name = "global_norm",
      .run =
          [](const Tensors& in, const Tensors& out) {
            const std::vector<Part> parts = parts_of(in, in.size());
            std::vector<float> sums(parts.size());
            parallel_for(static_cast<int64_t>(parts.size()), [&](int64_t i) {
              const float* x = in[parts[i].array].data + parts[i].begin;
              sums[i] = HWY_DYNAMIC_DISPATCH(sum_of_squares)(x, parts[i].n);
            });
            double sum = 0;
            for (const float part : sums) {
              sum += part;
            }
            *out[0].data = static_cast<float>(std::sqrt(sum));
          },
      .plain = plain};
  return make_node(std::move(kernel), arrays, {{.shape = {}}})[0];
}

} // namespace llm::kernels
#endif // HWY_ONCE
