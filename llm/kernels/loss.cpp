// SPDX-License-Identifier: MIT
//
// Cross entropy in one pass over each row: log-sum-exp minus the target's
// score. The log-sum-exp is kept, so the gradient, softmax - one-hot, needs no
// second search for the maximum.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "llm/kernels/loss.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>
#include <limits>

#include <mlx/ops.h>

#include "llm/kernels/kernels.h"
#include "llm/kernels/softmax-inl.h"
#include "llm/kernels/thread_pool.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

/** log sum exp of a row; NaN if any element is. */
float log_sum_exp(const float* x, int64_t n) {
  constexpr float lowest = -std::numeric_limits<float>::infinity();
  const int64_t N = lanes();
  float highest = lowest;
  V top = set(lowest);
  hn::Mask<D> strange = hn::MaskFromVec(hn::Zero(D()));
  int64_t i = 0;
  for (; i + N <= n; i += N) {
    const V v = hn::LoadU(D(), x + i);
    strange = hn::Or(strange, hn::Not(hn::Eq(v, v)));
    top = hn::Max(top, v);
  }
  bool nan = !hn::AllFalse(D(), strange);
  highest = max_of(top);
  for (; i < n; ++i) {
    nan = nan || std::isnan(x[i]);
    highest = std::max(highest, x[i]);
  }
  if (nan) {
    return std::numeric_limits<float>::quiet_NaN();
  }
  if (std::isinf(highest)) {
    return highest;
  }
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += kSummed * N) {
    const int64_t end = std::min(n, begin + kSummed * N);
    V sum = hn::Zero(D());
    for (i = begin; i + N <= end; i += N) {
      const V v = hn::Sub(hn::LoadU(D(), x + i), set(highest));
      sum = hn::Add(sum, hn::Exp(D(), v));
    }
    float part = sum_of(sum);
    for (; i < end; ++i) {
      part += std::exp(x[i] - highest);
    }
    total += part;
  }
  return highest + std::log(static_cast<float>(total));
}

/** dx = (softmax(x) - onehot(target)) dy. */
void loss_row_gradient(
    const float* x,
    int32_t target,
    float lse,
    float dy,
    float* dx,
    int64_t n) {
  for_vectors(n, [&](int64_t i, auto load, auto store) HWY_ATTR {
    const V p = hn::Exp(D(), hn::Sub(load(x + i), set(lse)));
    store(hn::Mul(p, set(dy)), dx + i);
  });
  dx[target] -= dy;
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(log_sum_exp);
HWY_EXPORT(loss_row_gradient);

namespace {

constexpr int64_t kRows = 32; // of a task

void for_rows(int64_t rows, const std::function<void(int64_t)>& f) {
  parallel_for((rows + kRows - 1) / kRows, [&](int64_t part) {
    const int64_t end = std::min(rows, (part + 1) * kRows);
    for (int64_t r = part * kRows; r < end; ++r) {
      f(r);
    }
  });
}

} // namespace

mx::array token_losses(
    const mx::array& logits,
    const mx::array& targets,
    const Function& plain) {
  // Only the logits have a gradient.
  const auto of_logits = [plain](const mx::array& targets) -> Function {
    return [plain, targets](const std::vector<mx::array>& in) {
      return plain({in[0], targets});
    };
  };
  Kernel kernel{
      .name = "token_losses",
      .run =
          [](const Tensors& in, const Tensors& out) {
            const int64_t V = in[0].width();
            for_rows(in[0].rows(), [&](int64_t r) {
              const float* x = in[0].data + r * V;
              const float lse = HWY_DYNAMIC_DISPATCH(log_sum_exp)(x, V);
              out[0].data[r] = lse - x[in[1].ints()[r]];
              out[1].data[r] = lse;
            });
          },
      .plain = plain,
      .vjp =
          [=](const auto& in, const auto& cotangents, const auto& out) {
            const mx::array targets = in[1];
            Kernel gradient{
                .name = "token_losses_gradient",
                .run =
                    [](const Tensors& in, const Tensors& out) {
                      const int64_t V = in[0].width();
                      for_rows(in[0].rows(), [&](int64_t r) {
                        HWY_DYNAMIC_DISPATCH(loss_row_gradient)
                        (in[0].data + r * V,
                         in[1].ints()[r],
                         in[2].data[r],
                         in[3].data[r],
                         out[0].data + r * V,
                         V);
                      });
                    },
                .plain =
                    [of_logits](const std::vector<mx::array>& in) {
                      return plain_gradient(
                          of_logits(in[1]), 1)({in[0], in[3]});
                    }};
            return std::vector<mx::array>{
                make_node(
                    std::move(gradient),
                    {in[0], in[1], out[1], cotangents[0]},
                    {{.shape = in[0].shape(), .donor = 0}})[0],
                mx::zeros_like(targets)};
          }};
  return make_node(
      std::move(kernel),
      {logits, targets},
      {{.shape = targets.shape()}, {.shape = targets.shape()}})[0];
}

} // namespace llm::kernels
#endif // HWY_ONCE
