// SPDX-License-Identifier: MIT
//
// AdamW in one pass over an array (Loshchilov and Hutter, arXiv 1711.05101):
//   m = b1 m + (1 - b1) g,   v = b2 v + (1 - b2) g^2
//   p = p (1 - lr decay) - lr (m / c1) / (sqrt(v / c2) + eps)
// with c1 = 1 - b1^t, c2 = 1 - b2^t.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "llm/kernels/adamw.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "llm/kernels/kernels.h"
#include "llm/kernels/simd-inl.h"
#include "llm/kernels/thread_pool.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

/** Elements [begin, begin + n); in: p, g, m, v, scalars; out: p, m, v. */
void adamw_part(
    const AdamWSettings& s,
    const Tensors& in,
    const Tensors& out,
    int64_t begin,
    int64_t n) {
  const float* p = in[0].data + begin;
  const float* g = in[1].data + begin;
  const float* m = in[2].data + begin;
  const float* v = in[3].data + begin;
  float* new_p = out[0].data + begin;
  float* new_m = out[1].data + begin;
  float* new_v = out[2].data + begin;
  const float lr = in[4].data[0];
  const V c1 = set(1.0f / in[4].data[1]), c2 = set(1.0f / in[4].data[2]);
  const V keep = set(1.0f - lr * s.weight_decay), rate = set(lr);
  const V b1 = set(s.beta1), b2 = set(s.beta2), eps = set(s.eps);
  // 1 - beta in double: a float subtraction would lose digits of 1 - 0.999.
  const V r1 = set(static_cast<float>(1.0 - double{s.beta1}));
  const V r2 = set(static_cast<float>(1.0 - double{s.beta2}));
  for_vectors(n, [&](int64_t i, auto load, auto store) HWY_ATTR {
    const V gi = load(g + i);
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

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(adamw_part);

constexpr int64_t kPart = 16384; // elements of a task

std::vector<mx::array> adamw(
    const mx::array& p,
    const mx::array& g,
    const mx::array& m,
    const mx::array& v,
    const mx::array& scalars,
    const AdamWSettings& s,
    const Function& plain) {
  Kernel kernel{
      .name = "adamw",
      .settings = {s.beta1, s.beta2, s.eps, s.weight_decay},
      .run =
          [s](const Tensors& in, const Tensors& out) {
            const int64_t n = in[0].size();
            parallel_for((n + kPart - 1) / kPart, [&](int64_t i) {
              HWY_DYNAMIC_DISPATCH(adamw_part)
              (s, in, out, i * kPart, std::min(kPart, n - i * kPart));
            });
          },
      .plain = plain};
  const mx::Shape shape = p.shape();
  return make_node(
      std::move(kernel),
      {p, g, m, v, scalars},
      {{.shape = shape, .donor = 0},
       {.shape = shape, .donor = 2},
       {.shape = shape, .donor = 3}});
}

} // namespace llm::kernels
#endif // HWY_ONCE
