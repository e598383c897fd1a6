// SPDX-License-Identifier: MIT
//
// Causal attention, softmax(scale Q K^T) V, without ever holding all scores: a
// block of queries at a time, whose scores stay in the cache. The forward pass
// keeps the log-sum-exp of each row; the backward pass computes the
// probabilities again from it (Dao et al., arXiv 2205.14135):
//   dV = P^T dO,   dS = P (dO V^T - rowsum(P dO V^T)) scale,
//   dQ = dS K,     dK = dS^T Q
// Rounded, the log-sum-exp of scores of some hundreds gives rows whose sum is 1
// to 1e-4 only, and dS is a difference: so rows are divided by their sums.
// A task is one head (forward) or one key-value head with all its query heads
// (backward), so no two tasks add into one place.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "llm/kernels/attention.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>
#include <vector>

#include "llm/kernels/attention_heads.h"
#include "llm/kernels/kernels.h"
#include "llm/kernels/matmul-inl.h"
#include "llm/kernels/scratch-inl.h"
#include "llm/kernels/simd-inl.h"
#include "llm/kernels/softmax-inl.h"
#include "llm/kernels/thread_pool.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

constexpr int64_t kQueries = 48; // of a block: whole tiles of 6 or 12 rows

/** Keys that the last query of a block [begin, end) sees, in whole vectors. */
inline int64_t columns_for(int64_t seen) {
  return (seen + lanes() - 1) / lanes() * lanes();
}

/** in: q, k, v; out: o, lse [B, H, L]. One head h of sequence b. */
void attention_head(
    const Tensors& in,
    const Tensors& out,
    float scale,
    int64_t b,
    int64_t h) {
  const int64_t H = in[0].dim(1), L = in[0].dim(2), W = in[0].dim(3);
  const int64_t K = in[1].dim(1), S = in[1].dim(2), before = S - L;
  const Head q = head_of(in[0], b, h), o = head_of(out[0], b, h);
  Scratch keys(W, S), memory;
  transpose(head_of(in[1], b, h * K / H), S, W, keys);
  const Right values = whole_rows(head_of(in[2], b, h * K / H), S, W, memory);
  Scratch scores(kQueries, S), result(kQueries, W);
  float* lse = out[1].data + (b * H + h) * L;
  for (int64_t begin = 0; begin < L; begin += kQueries) {
    const int64_t M = std::min(kQueries, L - begin);
    const int64_t columns = columns_for(before + begin + M);
    small_matmul(
        {q.data + begin * q.row, q.row, 1},
        keys.right(),
        scores.right(),
        M,
        W,
        columns,
        false);
    float sums[kQueries];
    for (int64_t i = 0; i < M; ++i) {
      const int64_t seen = before + begin + i + 1;
      const float top = scale * highest(scores.row(i), seen, columns);
      sums[i] = exponentials(scores.row(i), seen, columns, scale, top);
      lse[begin + i] = top + std::log(sums[i]);
    }
    small_matmul(
        scores.left(),
        values,
        result.right(),
        M,
        before + begin + M,
        result.stride(),
        false);
    for (int64_t i = 0; i < M; ++i) {
      float* to = o.data + (begin + i) * o.row;
      const float* from = result.row(i);
      const V norm = set(1.0f / sums[i]);
      for_vectors(W, [&](int64_t d, auto load, auto store) HWY_ATTR {
        store(hn::Mul(load(from + d), norm), to + d);
      });
    }
  }
}

/** p <- (q dp - q sum(q dp)) scale, where q = p / sum_of_p. */
inline void score_gradients(
    float* p,
    const float* dp,
    int64_t n,
    float sum_of_p,
    float scale) {
  V sum = hn::Zero(D());
  for (int64_t i = 0; i < n; i += lanes()) { // both are padded with zeros
    sum = hn::MulAdd(hn::LoadU(D(), p + i), hn::LoadU(D(), dp + i), sum);
  }
  const V mean = set(sum_of(sum) / sum_of_p), factor = set(scale / sum_of_p);
  for (int64_t i = 0; i < n; i += lanes()) {
    const V d = hn::Sub(hn::LoadU(D(), dp + i), mean);
    hn::StoreU(hn::Mul(hn::Mul(hn::LoadU(D(), p + i), d), factor), D(), p + i);
  }
}

/** to <- rows of `from` over `sums`. */
inline void divide_rows(
    Head from,
    const float* sums,
    int64_t rows,
    int64_t width,
    Scratch& to) {
  for (int64_t i = 0; i < rows; ++i) {
    const V factor = set(1.0f / sums[i]);
    const float* row = from.data + i * from.row;
    for_vectors(width, [&](int64_t d, auto load, auto store) HWY_ATTR {
      store(hn::Mul(load(row + d), factor), to.row(i) + d);
    });
  }
}

/** in: q, k, v, lse, do; out: dq, dk, dv. Key-value head `kv` of sequence b. */
void attention_head_gradient(
    const Tensors& in,
    const Tensors& out,
    float scale,
    int64_t b,
    int64_t kv) {
  const int64_t H = in[0].dim(1), L = in[0].dim(2), W = in[0].dim(3);
  const int64_t K = in[1].dim(1), S = in[1].dim(2), before = S - L;
  const Head k = head_of(in[1], b, kv), v = head_of(in[2], b, kv);
  Scratch keys_t(W, S), values_t(W, S), memory[2];
  transpose(k, S, W, keys_t);
  transpose(v, S, W, values_t);
  const Right keys = whole_rows(k, S, W, memory[0]);
  Scratch dk(S, W), dv(S, W);
  Scratch p(kQueries, S), dp(kQueries, S);
  Scratch dout(kQueries, W), dq(kQueries, W);
  const int64_t wide = dq.stride();
  for (int64_t h = kv * H / K; h < (kv + 1) * H / K; ++h) {
    const float* lse = in[3].data + (b * H + h) * L;
    for (int64_t begin = 0; begin < L; begin += kQueries) {
      const int64_t M = std::min(kQueries, L - begin);
      const int64_t seen = before + begin + M, columns = columns_for(seen);
      const Head q = rows_from(head_of(in[0], b, h), begin);
      const Head o = rows_from(head_of(in[4], b, h), begin);
      const Head to = rows_from(head_of(out[0], b, h), begin);
      const Left q_left{q.data, q.row, 1}, o_left{o.data, o.row, 1};
      small_matmul(q_left, keys_t.right(), p.right(), M, W, columns, false);
      small_matmul(o_left, values_t.right(), dp.right(), M, W, columns, false);
      float sums[kQueries];
      for (int64_t i = 0; i < M; ++i) {
        const int64_t own = before + begin + i + 1;
        sums[i] = exponentials(p.row(i), own, columns, scale, lse[begin + i]);
      }
      divide_rows(o, sums, M, W, dout);
      small_matmul(
          p.transposed(), dout.right(), dv.right(), seen, M, wide, true);
      for (int64_t i = 0; i < M; ++i) {
        score_gradients(p.row(i), dp.row(i), columns, sums[i], scale);
      }
      const Right queries = whole_rows(q, M, W, memory[1]);
      small_matmul(p.transposed(), queries, dk.right(), seen, M, wide, true);
      small_matmul(p.left(), keys, dq.right(), M, seen, wide, false);
      copy_to(dq, M, W, to);
    }
  }
  copy_to(dk, S, W, head_of(out[1], b, kv));
  copy_to(dv, S, W, head_of(out[2], b, kv));
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(attention_head);
HWY_EXPORT(attention_head_gradient);

void attend_by_heads(float scale, const Tensors& in, const Tensors& out) {
  const int64_t H = in[0].dim(1);
  parallel_for(in[0].dim(0) * H, [&](int64_t i) {
    HWY_DYNAMIC_DISPATCH(attention_head)(in, out, scale, i / H, i % H);
  });
}

void attend_by_heads_gradient(
    float scale,
    const Tensors& in,
    const Tensors& out) {
  const int64_t K = in[1].dim(1);
  parallel_for(in[0].dim(0) * K, [&](int64_t i) {
    HWY_DYNAMIC_DISPATCH(attention_head_gradient)(in, out, scale, i / K, i % K);
  });
}

mx::array attention(
    const mx::array& q,
    const mx::array& k,
    const mx::array& v,
    float scale,
    const Function& plain) {
  Kernel kernel{
      .name = "attention",
      .settings = {scale},
      .run = [scale](
                 const Tensors& in,
                 const Tensors& out) { attend_by_heads(scale, in, out); },
      .plain = plain,
      .vjp =
          [=](const auto& in, const auto& cotangents, const auto& out) {
            // The gradient's own derivative recomputes everything plainly.
            const Function plain_vjp = [plain](const auto& in) {
              return plain_gradient(plain, 3)({in[0], in[1], in[2], in[4]});
            };
            Kernel gradient{
                .name = "attention_gradient",
                .settings = {scale},
                .run =
                    [scale](const Tensors& in, const Tensors& out) {
                      attend_by_heads_gradient(scale, in, out);
                    },
                .plain = plain_vjp,
                .accepts = Accepts::row_gaps};
            const auto heads = Layout::heads;
            return make_node(
                std::move(gradient),
                {in[0], in[1], in[2], out[1], cotangents[0]},
                {{.shape = in[0].shape(), .layout = heads},
                 {.shape = in[1].shape(), .layout = heads},
                 {.shape = in[2].shape(), .layout = heads}});
          },
      .accepts = Accepts::row_gaps};
  const int B = q.shape(0), H = q.shape(1), L = q.shape(2);
  return make_node(
      std::move(kernel),
      {q, k, v},
      {{.shape = q.shape(), .layout = Layout::heads}, {.shape = {B, H, L}}})[0];
}

} // namespace llm::kernels
#endif // HWY_ONCE
