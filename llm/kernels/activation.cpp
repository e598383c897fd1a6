// SPDX-License-Identifier: MIT
//
// Elementwise functions and their gradients, which compute the function again
// instead of keeping what the forward pass knew. erf is formula 7.1.26 of
// Abramowitz and Stegun: five terms, error below 1.5e-7.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "llm/kernels/activation.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "llm/kernels/kernels.h"
#include "llm/kernels/rows.h"
#include "llm/kernels/simd-inl.h"
#include "llm/kernels/thread_pool.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

/** A function's value and slope. */
struct Point {
  V y, dy;
};

// x Phi(x); Phi(x) = (1 + erf(x / sqrt 2)) / 2, slope Phi(x) + x phi(x).
HWY_INLINE Point gelu(V x) {
  const V z = hn::Mul(hn::Abs(x), set(0.70710678f));
  const V t = hn::Div(set(1.0f), hn::MulAdd(set(0.3275911f), z, set(1.0f)));
  const V e = hn::Exp(D(), hn::Neg(hn::Mul(z, z))); // exp(-x^2 / 2)
  V p = hn::MulAdd(set(1.061405429f), t, set(-1.453152027f));
  p = hn::MulAdd(p, t, set(1.421413741f));
  p = hn::MulAdd(p, t, set(-0.284496736f));
  p = hn::MulAdd(p, t, set(0.254829592f));
  const V tail = hn::Mul(hn::Mul(hn::Mul(p, t), e), set(0.5f)); // Phi(-|x|)
  const V phi =
      hn::IfThenElse(hn::Lt(x, hn::Zero(D())), tail, hn::Sub(set(1.0f), tail));
  const V density = hn::Mul(e, set(0.39894228f));
  return {hn::Mul(x, phi), hn::MulAdd(x, density, phi)};
}

// x sigmoid(u), u = 2 sqrt(2/pi) (x + 0.044715 x^3).
HWY_INLINE Point gelu_new(V x) {
  const float c = 1.5957691f, d = c * 0.044715f;
  const V x2 = hn::Mul(x, x);
  const V s = sigmoid(hn::Mul(x, hn::MulAdd(set(d), x2, set(c))));
  const V du = hn::MulAdd(set(3 * d), x2, set(c));
  const V ds = hn::Mul(hn::Mul(s, hn::Sub(set(1.0f), s)), du);
  return {hn::Mul(x, s), hn::MulAdd(x, ds, s)};
}

HWY_INLINE Point silu(V x) {
  const V s = sigmoid(x);
  const V ds = hn::Mul(s, hn::Sub(set(1.0f), s));
  return {hn::Mul(x, s), hn::MulAdd(x, ds, s)};
}

HWY_INLINE Point point(Unary which, V x) {
  switch (which) {
    case Unary::gelu:
      return gelu(x);
    case Unary::gelu_new:
      return gelu_new(x);
    case Unary::silu:
      break;
  }
  return silu(x);
}

void forward(Unary which, const float* x, float* y, int64_t n) {
  for_vectors(n, [&](int64_t i, auto load, auto store) HWY_ATTR {
    store(point(which, load(x + i)).y, y + i);
  });
}

void backward(
    Unary which,
    const float* x,
    const float* dy,
    float* dx,
    int64_t n) {
  for_vectors(n, [&](int64_t i, auto load, auto store) HWY_ATTR {
    store(hn::Mul(load(dy + i), point(which, load(x + i)).dy), dx + i);
  });
}

void swiglu_forward(const float* gate, const float* up, float* y, int64_t n) {
  for_vectors(n, [&](int64_t i, auto load, auto store) HWY_ATTR {
    store(hn::Mul(silu(load(gate + i)).y, load(up + i)), y + i);
  });
}

void swiglu_backward(
    const float* gate,
    const float* up,
    const float* dy,
    float* dgate,
    float* dup,
    int64_t n) {
  for_vectors(n, [&](int64_t i, auto load, auto store) HWY_ATTR {
    const Point s = silu(load(gate + i));
    const V g = load(dy + i), u = load(up + i);
    store(hn::Mul(hn::Mul(g, u), s.dy), dgate + i);
    store(hn::Mul(g, s.y), dup + i);
  });
}

const char* target_name() {
  return hwy::TargetName(HWY_TARGET);
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(forward);
HWY_EXPORT(backward);
HWY_EXPORT(swiglu_forward);
HWY_EXPORT(swiglu_backward);
HWY_EXPORT(target_name);

namespace {

/** f(begin, count) over all of n elements, in parts for the threads. */
void in_parts(int64_t n, const std::function<void(int64_t, int64_t)>& f) {
  constexpr int64_t kPart = 8192;
  parallel_for((n + kPart - 1) / kPart, [&](int64_t i) {
    f(i * kPart, std::min(kPart, n - i * kPart));
  });
}

} // namespace

const char* simd_target() {
  return HWY_DYNAMIC_DISPATCH(target_name)();
}

void swiglu_of(const float* gate, const float* up, float* y, int64_t n) {
  HWY_DYNAMIC_DISPATCH(swiglu_forward)(gate, up, y, n);
}

mx::array activation(Unary which, const mx::array& x, const Function& plain) {
  const std::vector<double> settings = {static_cast<double>(which)};
  Kernel kernel{
      .name = "activation",
      .settings = settings,
      .run =
          [which](const Tensors& in, const Tensors& out) {
            in_parts(in[0].size(), [&](int64_t i, int64_t n) {
              HWY_DYNAMIC_DISPATCH(forward)
              (which, in[0].data + i, out[0].data + i, n);
            });
          },
      .plain = plain,
      .vjp =
          [=](const auto& in, const auto& cotangents, const auto&) {
            Kernel gradient{
                .name = "activation_gradient",
                .settings = settings,
                .run =
                    [which](const Tensors& in, const Tensors& out) {
                      in_parts(in[0].size(), [&](int64_t i, int64_t n) {
                        HWY_DYNAMIC_DISPATCH(backward)
                        (which,
                         in[0].data + i,
                         in[1].data + i,
                         out[0].data + i,
                         n);
                      });
                    },
                .plain = plain_gradient(plain, 1)};
            return make_node(
                std::move(gradient),
                {in[0], cotangents[0]},
                {{.shape = in[0].shape(), .donor = 1}});
          }};
  return make_node(std::move(kernel), {x}, {{.shape = x.shape()}})[0];
}

mx::array
swiglu(const mx::array& gate, const mx::array& up, const Function& plain) {
  Kernel kernel{
      .name = "swiglu",
      .run =
          [](const Tensors& in, const Tensors& out) {
            in_parts(in[0].size(), [&](int64_t i, int64_t n) {
              HWY_DYNAMIC_DISPATCH(swiglu_forward)
              (in[0].data + i, in[1].data + i, out[0].data + i, n);
            });
          },
      .plain = plain,
      .vjp =
          [=](const auto& in, const auto& cotangents, const auto&) {
            Kernel gradient{
                .name = "swiglu_gradient",
                .run =
                    [](const Tensors& in, const Tensors& out) {
                      in_parts(in[0].size(), [&](int64_t i, int64_t n) {
                        HWY_DYNAMIC_DISPATCH(swiglu_backward)
                        (in[0].data + i,
                         in[1].data + i,
                         in[2].data + i,
                         out[0].data + i,
                         out[1].data + i,
                         n);
                      });
                    },
                .plain = plain_gradient(plain, 2)};
            const mx::Shape shape = in[0].shape();
            return make_node(
                std::move(gradient),
                {in[0], in[1], cotangents[0]},
                {{.shape = shape}, {.shape = shape, .donor = 2}});
          }};
  return make_node(std::move(kernel), {gate, up}, {{.shape = gate.shape()}})[0];
}

} // namespace llm::kernels
#endif // HWY_ONCE
