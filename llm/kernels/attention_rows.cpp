// SPDX-License-Identifier: MIT
//
// The weights of causal attention one row after the other, for looking at them:
// softmax(scale q K^T), a block of queries at a time, so that no T x T matrix
// is ever held. A task is one head.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "llm/kernels/attention_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>

#include "llm/kernels/attention_rows.h"
#include "llm/kernels/matmul-inl.h"
#include "llm/kernels/scratch-inl.h"
#include "llm/kernels/simd-inl.h"
#include "llm/kernels/softmax-inl.h"
#include "llm/kernels/thread_pool.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

/** s <- softmax(scale s) over the first n, of which whole vectors may be read
 * and written; returns its entropy in nats. */
float softmax_of_row(float* s, int64_t n, float scale) {
  const int64_t N = lanes(), padded = (n + N - 1) / N * N;
  const V top = set(scale * highest(s, n, padded)), factor = set(scale);
  V sum = hn::Zero(D()), weighted = hn::Zero(D());
  for (int64_t i = 0; i < n; i += N) {
    const V d = hn::MulSub(hn::LoadU(D(), s + i), factor, top);
    const V all = hn::Exp(D(), d);
    const auto mine = hn::FirstN(D(), std::min(N, n - i));
    const V e = hn::IfThenElseZero(mine, all);
    hn::StoreU(e, D(), s + i);
    sum = hn::Add(sum, e);
    weighted = hn::Add(weighted, hn::IfThenElseZero(mine, hn::Mul(e, d)));
  }
  const float total = sum_of(sum);
  const V norm = set(1.0f / total);
  for (int64_t i = 0; i < n; i += N) {
    hn::StoreU(hn::Mul(hn::LoadU(D(), s + i), norm), D(), s + i);
  }
  return std::log(total) - sum_of(weighted) / total;
}

/** One head: q, k [1, H, T, W] and [1, K, T, W]. */
void attention_rows_of_head(
    const Tensor& q,
    const Tensor& k,
    float scale,
    int window,
    int64_t h,
    const TakeRow& take) {
  constexpr int64_t block = 48;
  const int64_t H = q.dim(1), T = q.dim(2), W = q.dim(3), K = k.dim(1);
  const Head queries = head_of(q, 0, h);
  Scratch keys(W, T), scores(block + 1, T); // the last row may be reached into
  transpose(head_of(k, 0, h * K / H), T, W, keys);
  for (int64_t begin = 0; begin < T; begin += block) {
    const int64_t M = std::min(block, T - begin);
    const int64_t N = lanes(), columns = (begin + M + N - 1) / N * N;
    small_matmul(
        {queries.data + begin * queries.row, queries.row, 1},
        keys.right(),
        scores.right(),
        M,
        W,
        columns,
        false);
    // Backwards: with a window, the last vector of a row may reach into the
    // next row, which has been taken then.
    for (int64_t i = M - 1; i >= 0; --i) {
      const int64_t seen = begin + i + 1;
      const int64_t first =
          window > 0 ? std::max<int64_t>(0, seen - window) : 0;
      float* row = scores.row(i);
      const float entropy = softmax_of_row(row + first, seen - first, scale);
      std::fill(row, row + first, 0.0f);
      take(static_cast<int>(h), static_cast<int>(seen - 1), row, entropy);
    }
  }
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(attention_rows_of_head);

void attention_rows(
    const mx::array& q,
    const mx::array& k,
    float scale,
    int window,
    const TakeRow& take) {
  const Tensor queries = tensor_of(q), keys = tensor_of(k);
  parallel_for(queries.dim(1), [&](int64_t h) {
    HWY_DYNAMIC_DISPATCH(attention_rows_of_head)
    (queries, keys, scale, window, h, take);
  });
}

} // namespace llm::kernels
#endif // HWY_ONCE
