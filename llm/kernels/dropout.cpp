// SPDX-License-Identifier: MIT
//
// Dropout with the very numbers that mx::random::bernoulli draws from a key.
// The backward pass draws them again, so no mask is kept.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "llm/kernels/dropout.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>

#include <mlx/ops.h>

#include "llm/kernels/kernels.h"
#include "llm/kernels/simd-inl.h"
#include "llm/kernels/thread_pool.h"
#include "llm/kernels/threefry-inl.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

/** y = x times `factor` where the word is at most `last`, else 0. */
HWY_INLINE V keep(VU words, uint32_t last, V x, float factor) {
  const auto kept = hn::Eq(hn::Min(words, hn::Set(DU(), last)), words);
  return hn::IfThenElseZero(hn::RebindMask(D(), kept), hn::Mul(x, set(factor)));
}

/** Elements [begin, end) of the first half, and those of the second half that
 * share their words, `apart` further on. */
void drop_pairs(
    const float* x,
    float* y,
    int64_t begin,
    int64_t end,
    int64_t apart,
    const uint32_t* key,
    uint32_t last,
    float factor) {
  for_vectors(end - begin, [&](int64_t i, auto load, auto store) HWY_ATTR {
    const int64_t at = begin + i;
    VU a = hn::Iota(DU(), static_cast<uint32_t>(at));
    VU b = hn::Iota(DU(), static_cast<uint32_t>(at + apart));
    threefry(key[0], key[1], a, b);
    store(keep(a, last, load(x + at), factor), y + at);
    store(keep(b, last, load(x + at + apart), factor), y + at + apart);
  });
}

/** The element in the middle of an odd number: counters (at, 0). */
void drop_middle(
    const float* x,
    float* y,
    int64_t at,
    const uint32_t* key,
    uint32_t last,
    float factor) {
  VU a = hn::Set(DU(), static_cast<uint32_t>(at)), b = hn::Zero(DU());
  threefry(key[0], key[1], a, b);
  y[at] = hn::GetLane(keep(a, last, set(x[at]), factor));
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(drop_pairs);
HWY_EXPORT(drop_middle);

namespace {

/** The last word that MLX's bernoulli takes for true: it compares the word as a
 * float with the probability times the float after 2^32. */
uint32_t last_kept(float probability) {
  const float limit =
      probability * std::nextafter(4294967296.0f, 2 * 4294967296.0f);
  uint64_t low = 0, high = uint64_t{1} << 32; // first that is not below
  while (low < high) {
    const uint64_t middle = (low + high) / 2;
    if (static_cast<float>(middle) < limit) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return static_cast<uint32_t>(low - 1);
}

void run(float p, const Tensor& x, const Tensor& key, const Tensor& y) {
  const int64_t n = x.size(), half = n / 2, apart = half + n % 2;
  const uint32_t last = last_kept(1.0f - p);
  const float factor = 1.0f / (1.0f - p);
  const auto* words = reinterpret_cast<const uint32_t*>(key.data);
  constexpr int64_t kPart = 4096;
  parallel_for((half + kPart - 1) / kPart, [&](int64_t i) {
    const int64_t end = std::min(half, (i + 1) * kPart);
    HWY_DYNAMIC_DISPATCH(drop_pairs)
    (x.data, y.data, i * kPart, end, apart, words, last, factor);
  });
  if (n % 2 != 0) {
    HWY_DYNAMIC_DISPATCH(drop_middle)
    (x.data, y.data, half, words, last, factor);
  }
}

} // namespace

mx::array dropout(
    const mx::array& x,
    const mx::array& key,
    float p,
    const Function& plain) {
  Kernel kernel{
      .name = "dropout",
      .settings = {p},
      .run = [p](const Tensors& in,
                 const Tensors& out) { run(p, in[0], in[1], out[0]); },
      .plain = plain,
      .vjp =
          [p, plain](const auto& in, const auto& cotangents, const auto&) {
            return std::vector<mx::array>{
                dropout(cotangents[0], in[1], p, plain), mx::zeros_like(in[1])};
          }};
  return make_node(
      std::move(kernel), {x, key}, {{.shape = x.shape(), .donor = 0}})[0];
}

} // namespace llm::kernels
#endif // HWY_ONCE
