// SPDX-License-Identifier: MIT
//
// Draws a token: argmax(logits + Gumbel noise), which is a draw from softmax,
// with the numbers that mx::random::categorical draws from the key, so the same
// token but for two that are equal to rounding.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "llm/kernels/categorical.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>
#include <limits>

#include "llm/kernels/kernels.h"
#include "llm/kernels/simd-inl.h"
#include "llm/kernels/threefry-inl.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

/** -log(-log(u)) for the uniform numbers that MLX makes of random words. */
HWY_INLINE V gumbel(VU words) {
  // As floats, rounded once: both halves are exact.
  const hn::RebindToSigned<D> signed_;
  const V high =
      hn::ConvertTo(D(), hn::BitCast(signed_, hn::ShiftRight<16>(words)));
  const V low = hn::ConvertTo(
      D(), hn::BitCast(signed_, hn::And(words, hn::Set(DU(), 0xffffu))));
  const V word = hn::MulAdd(high, set(65536.0f), low);
  const V u =
      hn::Min(hn::Mul(word, set(1.0f / 4294967296.0f)), set(0x1.fffffep-1f));
  const V g = hn::Neg(hn::Log(D(), hn::Neg(hn::Log(D(), u))));
  const V never = set(-std::numeric_limits<float>::infinity());
  return hn::IfThenElse(hn::Eq(word, hn::Zero(D())), never, g); // log 0
}

/** The largest value so far and where it was, in each lane. */
struct Best {
  V value, at;

  HWY_ATTR void see(V x, V index) {
    const auto more = hn::Gt(x, value); // of equal ones the first stays
    value = hn::IfThenElse(more, x, value);
    at = hn::IfThenElse(more, index, at);
  }
};

/** Which of x + noise is the largest; the first of equal ones. */
float draw(const float* x, int64_t n, const uint32_t* key) {
  const int64_t N = lanes(), half = n / 2, apart = n - half;
  const V gone = set(-std::numeric_limits<float>::infinity());
  Best first{gone, hn::Zero(D())}, second = first;
  for (int64_t i = 0; i < half; i += N) {
    VU a = hn::Iota(DU(), static_cast<uint32_t>(i));
    VU b = hn::Iota(DU(), static_cast<uint32_t>(i + apart));
    const V index = hn::Iota(D(), static_cast<float>(i));
    threefry(key[0], key[1], a, b);
    const int64_t left = std::min(N, half - i);
    const auto mine = hn::FirstN(D(), left);
    const auto part = [&](const float* p) HWY_ATTR {
      return left == N ? hn::LoadU(D(), p) : load_part(p, left);
    };
    first.see(
        hn::IfThenElse(mine, hn::Add(part(x + i), gumbel(a)), gone), index);
    second.see(
        hn::IfThenElse(mine, hn::Add(part(x + i + apart), gumbel(b)), gone),
        hn::Add(index, set(static_cast<float>(apart))));
  }
  if (n % 2 != 0) { // the one in the middle
    VU a = hn::Set(DU(), static_cast<uint32_t>(half)), b = hn::Zero(DU());
    threefry(key[0], key[1], a, b);
    first.see(hn::Add(set(x[half]), gumbel(a)), set(static_cast<float>(half)));
  }
  HWY_ALIGN float values[2 * HWY_MAX_BYTES / sizeof(float)];
  HWY_ALIGN float places[2 * HWY_MAX_BYTES / sizeof(float)];
  hn::Store(first.value, D(), values);
  hn::Store(second.value, D(), values + N);
  hn::Store(first.at, D(), places);
  hn::Store(second.at, D(), places + N);
  int64_t best = 0;
  for (int64_t i = 1; i < 2 * N; ++i) {
    const bool more = values[i] > values[best] ||
        (values[i] == values[best] && places[i] < places[best]);
    best = more ? i : best;
  }
  return places[best];
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(draw);

mx::array categorical(
    const mx::array& logits,
    const mx::array& key,
    const Function& plain) {
  Kernel kernel{
      .name = "categorical",
      .run =
          [](const Tensors& in, const Tensors& out) {
            out[0].data[0] = HWY_DYNAMIC_DISPATCH(draw)(
                in[0].data,
                in[0].size(),
                reinterpret_cast<const uint32_t*>(in[1].data));
          },
      .plain = plain};
  return make_node(std::move(kernel), {logits, key}, {{.shape = {}}})[0];
}

} // namespace llm::kernels
#endif // HWY_ONCE
