// SPDX-License-Identifier: MIT
//
// Rotary positions (Su et al., arXiv 2104.09864): the pair (x_i, x_{i + D/2})
// turns by position * base^(-2i / D). The gradient turns back. Sines are
// computed once for each way of turning (turns.h) and kept.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "llm/kernels/rope.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cmath>
#include <map>
#include <memory>
#include <mutex>
#include <tuple>
#include <utility>

#include "llm/kernels/kernels.h"
#include "llm/kernels/simd-inl.h"
#include "llm/kernels/thread_pool.h"
#include "llm/kernels/turns.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

/** One row of 2 * half elements; `turn` is 1 or, to turn back, -1. */
void rope_row(
    const float* x,
    const float* cosines,
    const float* sines,
    float turn,
    float* y,
    int64_t half) {
  for_vectors(half, [&](int64_t i, auto load, auto store) HWY_ATTR {
    const V c = load(cosines + i);
    const V s = hn::Mul(load(sines + i), set(turn));
    const V a = load(x + i), b = load(x + half + i);
    store(hn::NegMulAdd(b, s, hn::Mul(a, c)), y + i);
    store(hn::MulAdd(a, s, hn::Mul(b, c)), y + half + i);
  });
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(rope_row);

namespace {

// In float, step by step as mx::fast::rope does it: at position 1000 another
// order of rounding would be seen.
Turns make_turns(int D, const Turning& t, int positions) {
  const int half = D / 2;
  Turns turns{positions, {}, {}};
  for (int p = 0; p < positions; ++p) {
    for (int i = 0; i < half; ++i) {
      const float frequency = t.periods.empty()
          ? std::exp(-static_cast<float>(i) * (std::log(t.base) / half))
          : 1.0f / t.periods[i];
      const float angle = static_cast<float>(p) * t.scale * frequency;
      turns.cosines.push_back(std::cos(angle) * t.magnitude);
      turns.sines.push_back(std::sin(angle) * t.magnitude);
    }
  }
  return turns;
}

} // namespace

std::shared_ptr<const Turns> turns_for(int D, const Turning& t, int positions) {
  using Key = std::tuple<int, float, float, std::vector<float>, float>;
  static std::mutex mutex;
  static std::map<Key, std::shared_ptr<const Turns>> known;
  const std::lock_guard lock(mutex);
  auto& turns = known[{D, t.base, t.scale, t.periods, t.magnitude}];
  if (!turns || turns->positions < positions) {
    int enough = 64;
    while (enough < positions) {
      enough *= 2;
    }
    turns = std::make_shared<const Turns>(make_turns(D, t, enough));
  }
  return turns;
}

void turn_row(
    const float* x,
    const float* cosines,
    const float* sines,
    float turn,
    float* y,
    int64_t half) {
  HWY_DYNAMIC_DISPATCH(rope_row)(x, cosines, sines, turn, y, half);
}

namespace {

struct RopeSettings {
  float base;
  int start;
  float turn; ///< 1, or -1 for the gradient
};

void run_rope(
    const RopeSettings& s,
    const Turns& turns,
    const Tensor& in,
    const Tensor& out) {
  const int64_t L = in.dim(-2), half = in.width() / 2;
  const int64_t groups = in.rows() / L; // one for each sequence and head
  parallel_for(groups, [&](int64_t group) {
    for (int64_t l = 0; l < L; ++l) {
      const int64_t at = (s.start + l) * half;
      HWY_DYNAMIC_DISPATCH(rope_row)
      (in.row(group * L + l),
       turns.cosines.data() + at,
       turns.sines.data() + at,
       s.turn,
       out.row(group * L + l),
       half);
    }
  });
}

mx::array turned(const mx::array& x, const RopeSettings& s, Function plain) {
  const auto turns =
      turns_for(x.shape(-1), {.base = s.base}, s.start + x.shape(-2));
  Kernel kernel{
      .name = "rope",
      .settings = {s.base, double(s.start), s.turn},
      .run = [s, turns](
                 const Tensors& in,
                 const Tensors& out) { run_rope(s, *turns, in[0], out[0]); },
      .plain = plain,
      .vjp =
          [s, plain](const auto& in, const auto& cotangents, const auto&) {
            // A rotation's gradient is the rotation back, and does not need x:
            // its own plain form takes the cotangent alone.
            const mx::array x = in[0];
            const Function back = [plain, x](const std::vector<mx::array>& g) {
              return plain_gradient(plain, 1)({x, g[0]});
            };
            return std::vector<mx::array>{
                turned(cotangents[0], {s.base, s.start, -s.turn}, back)};
          },
      .accepts = Accepts::row_gaps};
  return make_node(
      std::move(kernel),
      {x},
      {{.shape = x.shape(), .layout = Layout::as_first}})[0];
}

} // namespace

mx::array
rope(const mx::array& x, float base, int start, const Function& plain) {
  return turned(x, {base, start, 1.0f}, plain);
}

} // namespace llm::kernels
#endif // HWY_ONCE
