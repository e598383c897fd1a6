// SPDX-License-Identifier: MIT
//
// Log-sum-exp and entropy of each row, in one search for the maximum and one
// pass of exponentials: with e_i = exp(x_i - max), S = sum e_i and T = sum e_i
// (x_i - max), the entropy of softmax(x) is log S - T / S.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "llm/kernels/spread.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>

#include "llm/kernels/kernels.h"
#include "llm/kernels/softmax-inl.h"
#include "llm/kernels/thread_pool.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

/** One value is -inf where a sampler removed it: it counts nothing. */
void spread_of_row(const float* x, int64_t n, float* lse, float* entropy) {
  const float top = highest(x, n, n);
  const int64_t N = lanes();
  double sums = 0, weights = 0;
  for (int64_t begin = 0; begin < n; begin += kSummed * N) {
    const int64_t end = std::min(n, begin + kSummed * N);
    V sum = hn::Zero(D()), weighted = hn::Zero(D());
    int64_t i = begin;
    for (; i + N <= end; i += N) {
      const V d = hn::Sub(hn::LoadU(D(), x + i), set(top));
      const V e = hn::Exp(D(), d);
      sum = hn::Add(sum, e);
      // 0 times -inf would be no number.
      const V finite = hn::Max(d, set(-1e30f));
      weighted = hn::MulAdd(e, finite, weighted);
    }
    float s = sum_of(sum), t = sum_of(weighted);
    for (; i < end; ++i) {
      const float d = x[i] - top, e = std::exp(d);
      s += e;
      t += e > 0 ? e * d : 0;
    }
    sums += s;
    weights += t;
  }
  const auto s = static_cast<float>(sums), t = static_cast<float>(weights);
  *lse = top + std::log(s);
  *entropy = std::log(s) - t / s;
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(spread_of_row);

std::vector<mx::array> spread(const mx::array& logits, const Function& plain) {
  Kernel kernel{
      .name = "spread",
      .run =
          [](const Tensors& in, const Tensors& out) {
            const int64_t V = in[0].width();
            parallel_for(in[0].rows(), [&](int64_t r) {
              HWY_DYNAMIC_DISPATCH(spread_of_row)
              (in[0].data + r * V, V, out[0].data + r, out[1].data + r);
            });
          },
      .plain = plain};
  mx::Shape shape(logits.shape().begin(), logits.shape().end() - 1);
  return make_node(
      std::move(kernel), {logits}, {{.shape = shape}, {.shape = shape}});
}

} // namespace llm::kernels
#endif // HWY_ONCE
