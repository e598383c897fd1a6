// SPDX-License-Identifier: MIT
//
// Packed matrices in full, for products with many rows: unpacking a matrix once
// costs little beside them.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "llm/kernels/unpack.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include "llm/kernels/kernels.h"
#include "llm/kernels/rows.h"
#include "llm/kernels/simd-inl.h"
#include "llm/kernels/thread_pool.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

using DU = hn::RebindToUnsigned<D>;
using VU = hn::Vec<DU>;

/** Row n in full, K values. Groups are whole vectors. */
void unpack_row(const MatrixRows& w, int64_t n, float* out) {
  const uint32_t* words = w.words + n * w.words_in_row;
  const int per_word = 32 / w.bits;
  const hn::RebindToSigned<D> di;
  const auto lane = hn::Iota(di, 0);
  const auto per = hn::Set(di, per_word - 1);
  // Value k is in word k / per_word, `bits` * (k % per_word) bits up.
  const auto up =
      hn::BitCast(DU(), hn::Mul(hn::And(lane, per), hn::Set(di, w.bits)));
  const auto which = hn::ShiftRightSame(lane, per_word == 8 ? 3 : 2);
  const VU mask = hn::Set(DU(), w.bits == 8 ? 255u : 15u);
  const int64_t size = w.words_in_row * per_word / w.groups;
  const int64_t N = lanes();
  const GroupNumbers numbers(w, n, 1);
  for (int64_t g = 0; g < w.groups; ++g) {
    const V s = set(numbers.scales[g]);
    const V b = set(numbers.biases[g]);
    for (int64_t k = g * size; k < (g + 1) * size; k += N) {
      VU word;
      if (N >= per_word) {
        word = hn::BitCast(
            DU(),
            hn::GatherIndex(
                di,
                reinterpret_cast<const int32_t*>(words + k / per_word),
                which));
      } else { // 4 lanes of 8 values: half a word
        word = hn::ShiftRightSame(
            hn::Set(DU(), words[k / per_word]),
            static_cast<int>(k % per_word) * w.bits);
      }
      const V q =
          hn::ConvertTo(D(), hn::BitCast(di, hn::And(hn::Shr(word, up), mask)));
      hn::StoreU(hn::MulAdd(q, s, b), D(), out + k);
    }
  }
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(unpack_row);

bool can_unpack(int bits) {
  return bits == 4 || bits == 8;
}

mx::array unpack(const PackedArrays& w, const Function& plain) {
  Kernel kernel{
      .name = "unpack",
      .settings = {double(w.bits)},
      .run =
          [bits = w.bits](const Tensors& in, const Tensors& out) {
            const MatrixRows rows = matrix_rows(in, 0, bits);
            const int64_t N = in[0].dim(0);
            parallel_for((N + 31) / 32, [&](int64_t task) {
              const int64_t end = std::min(N, (task + 1) * 32);
              for (int64_t n = task * 32; n < end; ++n) {
                HWY_DYNAMIC_DISPATCH(unpack_row)(rows, n, out[0].row(n));
              }
            });
          },
      .plain = plain};
  return make_node(
      std::move(kernel),
      {w.packed, w.scales, w.biases},
      {{.shape = {w.packed.shape(0), w.packed.shape(1) * 32 / w.bits}}})[0];
}

} // namespace llm::kernels
#endif // HWY_ONCE
