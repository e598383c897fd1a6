// SPDX-License-Identifier: MIT
//
// Muon's update of all matrices in one operation (training/muon.h says what it
// is). A task is a matrix, so no thread waits for another in the many small
// products of the Newton-Schulz steps.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "llm/kernels/muon.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "llm/kernels/kernels.h"
#include "llm/kernels/matmul-inl.h"
#include "llm/kernels/simd-inl.h"
#include "llm/kernels/thread_pool.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

inline float sum_of_squares(const float* x, int64_t n) {
  V sum = hn::Zero(D());
  for_vectors(n, [&](int64_t i, auto load, auto) HWY_ATTR {
    const V v = load(x + i);
    sum = hn::MulAdd(v, v, sum);
  });
  return sum_of(sum);
}

inline void scale(float* x, int64_t n, float factor) {
  for_vectors(n, [&](int64_t i, auto load, auto store) HWY_ATTR {
    store(hn::Mul(load(x + i), set(factor)), x + i);
  });
}

/** x [R, C], R <= C: x <- a x + b (x x^T) x + c (x x^T)^2 x, some times. */
void newton_schulz(float* x, int64_t R, int64_t C, const MuonSettings& s) {
  thread_local std::vector<float> gram, polynomial, panels;
  gram.resize(std::max<size_t>(gram.size(), R * R));
  polynomial.resize(gram.size());
  scale(x, R * C, 1.0f / std::max(std::sqrt(sum_of_squares(x, R * C)), 1e-7f));
  const Left rows{x, C, 1}, turned{x, 1, C};
  const Left g{gram.data(), R, 1}, u{polynomial.data(), R, 1};
  for (int i = 0; i < s.steps; ++i) {
    pack_panels(turned, C, R, panels);
    multiply_rows(rows, panels.data(), {gram.data(), R}, R, C, R, false);
    pack_panels(g, R, R, panels);
    multiply_rows(g, panels.data(), {polynomial.data(), R}, R, R, R, false);
    for_vectors(R * R, [&](int64_t j, auto load, auto store) HWY_ATTR {
      const V cubic = hn::Mul(set(s.b), load(gram.data() + j));
      const V both = hn::MulAdd(set(s.c), load(u.data + j), cubic);
      store(both, polynomial.data() + j);
    });
    // The product reads x from a packed copy, so x itself can take the sum.
    pack_panels(rows, R, C, panels);
    scale(x, R * C, s.a);
    multiply_rows(u, panels.data(), {x, C}, R, R, C, true);
  }
}

/** m <- mu m + (1 - mu) g;  p <- p (1 - lr decay) - lr size orthogonal(...). */
void muon_matrix(
    const MuonSettings& s,
    float lr,
    const Tensor& p,
    const Tensor& g,
    const Tensor& m,
    const Tensor& new_p,
    const Tensor& new_m) {
  const int64_t A = p.dim(0), B = p.dim(1), n = A * B;
  const bool tall = A > B;
  const V mu = set(s.momentum);
  const V rest = set(static_cast<float>(1.0 - double{s.momentum}));
  thread_local std::vector<float> ahead, x;
  ahead.resize(std::max<size_t>(ahead.size(), n));
  x.resize(ahead.size());
  for_vectors(n, [&](int64_t i, auto load, auto store) HWY_ATTR {
    const V gi = hn::Mul(rest, load(g.data + i));
    const V mi = hn::MulAdd(mu, load(m.data + i), gi);
    store(mi, new_m.data + i);
    store(hn::MulAdd(mu, mi, gi), ahead.data() + i); // Nesterov's look ahead
  });
  float* direction = ahead.data();
  if (tall) { // x x^T is the smaller product then
    for (int64_t i = 0; i < A; ++i) {
      for (int64_t j = 0; j < B; ++j) {
        x[j * A + i] = ahead[i * B + j];
      }
    }
    newton_schulz(x.data(), B, A, s);
    for (int64_t i = 0; i < A; ++i) {
      for (int64_t j = 0; j < B; ++j) {
        ahead[i * B + j] = x[j * A + i];
      }
    }
  } else {
    newton_schulz(direction, A, B, s);
  }
  const V keep = set(1.0f - lr * s.weight_decay);
  const V rate =
      set(lr * s.rms * std::sqrt(static_cast<float>(std::max(A, B))));
  for_vectors(n, [&](int64_t i, auto load, auto store) HWY_ATTR {
    const V kept = hn::Mul(load(p.data + i), keep);
    store(hn::NegMulAdd(rate, load(direction + i), kept), new_p.data + i);
  });
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(muon_matrix);

namespace {

/** The largest first: the threads then end at about the same time. */
std::vector<size_t> by_size(const Tensors& matrices, size_t count) {
  std::vector<size_t> order(count);
  for (size_t i = 0; i < count; ++i) {
    order[i] = i;
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return matrices[a].size() > matrices[b].size();
  });
  return order;
}

} // namespace

std::vector<mx::array> muon(
    const std::vector<mx::array>& inputs,
    const MuonSettings& s,
    const Function& plain) {
  const size_t n = inputs.size() / 3; // p..., g..., m..., lr
  std::vector<Output> outputs;
  for (size_t i = 0; i < 2 * n; ++i) {
    const size_t donor = i < n ? i : i + n;
    outputs.push_back(
        {.shape = inputs[i % n].shape(), .donor = static_cast<int>(donor)});
  }
  Kernel kernel{
      .name = "muon",
      .settings =
          {s.momentum, s.weight_decay, s.rms, s.a, s.b, s.c, double(s.steps)},
      .run =
          [s, n](const Tensors& in, const Tensors& out) {
            const std::vector<size_t> order = by_size(in, n);
            parallel_for(static_cast<int64_t>(n), [&](int64_t task) {
              const size_t i = order[task];
              HWY_DYNAMIC_DISPATCH(muon_matrix)
              (s,
               in[3 * n].data[0],
               in[i],
               in[n + i],
               in[2 * n + i],
               out[i],
               out[n + i]);
            });
          },
      .plain = plain};
  return make_node(std::move(kernel), inputs, outputs);
}

} // namespace llm::kernels
#endif // HWY_ONCE
