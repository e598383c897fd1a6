// SPDX-License-Identifier: MIT
//
// y = x W^T for a few rows x, as in generation, where reading W is all that
// costs: every row of W is read once and multiplied with all x. W is float32,
// or packed in 4 or 8 bits in MLX's affine layout, where value = s q + b in
// groups of a row, so that a group adds s * sum(q x) + b * sum(x).
// A row of y does not depend on the rows beside it, to the bit.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "llm/kernels/matvec.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <vector>

#include "llm/kernels/kernels.h"
#include "llm/kernels/packed.h"
#include "llm/kernels/simd-inl.h"
#include "llm/kernels/thread_pool.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

using DU = hn::RebindToUnsigned<D>;
using VU = hn::Vec<DU>;

HWY_INLINE float dot(const float* a, const float* b, int64_t count) {
  V sum = set(0.0f);
  for_vectors(count, [&](int64_t i, auto load, auto) HWY_ATTR {
    sum = hn::MulAdd(load(a + i), load(b + i), sum);
  });
  return sum_of(sum);
}

/** y[m] = w . x_m for R rows x_m, `stride` apart. */
template <int R>
HWY_INLINE void
dots(const float* w, const float* x, int64_t stride, int64_t K, float* y) {
  V sum[R];
  for (int m = 0; m < R; ++m) {
    sum[m] = set(0.0f);
  }
  for_vectors(K, [&](int64_t k, auto load, auto) HWY_ATTR {
    const V a = load(w + k);
    for (int m = 0; m < R; ++m) {
      sum[m] = hn::MulAdd(a, load(x + m * stride + k), sum[m]);
    }
  });
  for (int m = 0; m < R; ++m) {
    y[m] = sum_of(sum[m]);
  }
}

void dots_of(
    const float* w,
    const float* x,
    int64_t stride,
    int64_t K,
    int64_t M,
    float* y) {
  int64_t m = 0;
  for (; m + 4 <= M; m += 4) {
    dots<4>(w, x + m * stride, stride, K, y + m);
  }
  for (; m < M; ++m) {
    dots<1>(w, x + m * stride, stride, K, y + m);
  }
}

int64_t word_lanes() {
  return lanes();
}

/** In lane j the scale of the group that word `word` + j belongs to. */
HWY_INLINE V scales_of(const PackedRows& w, const float* scales, int64_t word) {
  const int64_t group = word >> w.words_shift;
  if ((int64_t{1} << w.words_shift) >= lanes()) {
    return set(scales[group]);
  }
  const int64_t left = w.groups - group;
  const int64_t wanted = lanes() >> w.words_shift;
  const V some = left >= lanes()
      ? hn::LoadU(D(), scales + group)
      : load_part(scales + group, std::min(left, wanted));
  const auto index = hn::ShiftRightSame(hn::Iota(DU(), 0), w.words_shift);
  return hn::TableLookupLanes(some, hn::IndicesFromVec(D(), index));
}

HWY_INLINE VU load_words(const uint32_t* p, int64_t count) {
  if (count >= lanes()) {
    return hn::LoadU(DU(), p);
  }
  HWY_ALIGN uint32_t buffer[HWY_MAX_BYTES / sizeof(uint32_t)] = {};
  std::copy_n(p, count, buffer);
  return hn::Load(DU(), buffer);
}

/** y[m] = w . x_m for row `n` of w; `spread` holds the x_m, see spread_row. */
template <int Bits, int R>
HWY_INLINE void packed_dots(
    const PackedRows& w,
    int64_t n,
    const float* spread,
    int64_t stride,
    float* y) {
  constexpr int kPerWord = 32 / Bits;
  const uint32_t* words = w.words + n * w.words_in_row;
  const VU mask = hn::Set(DU(), (1u << Bits) - 1);
  V sum[R];
  for (int m = 0; m < R; ++m) {
    sum[m] = set(0.0f);
  }
  for (int64_t at = 0; at < w.words_in_row; at += lanes()) {
    VU packed = load_words(words + at, w.words_in_row - at);
    V part[R];
    for (int m = 0; m < R; ++m) {
      part[m] = set(0.0f);
    }
    const float* x = spread + at * kPerWord;
    for (int i = 0; i < kPerWord; ++i, x += lanes()) {
      const V q = hn::ConvertTo(
          D(), hn::BitCast(hn::RebindToSigned<D>(), hn::And(packed, mask)));
      packed = hn::ShiftRight<Bits>(packed);
      for (int m = 0; m < R; ++m) {
        part[m] = hn::MulAdd(q, hn::LoadU(D(), x + m * stride), part[m]);
      }
    }
    const V s = scales_of(w, w.scales + n * w.groups, at);
    for (int m = 0; m < R; ++m) {
      sum[m] = hn::MulAdd(part[m], s, sum[m]);
    }
  }
  for (int m = 0; m < R; ++m) {
    y[m] = sum_of(sum[m]);
  }
}

template <int Bits>
HWY_INLINE void packed_row(
    const PackedRows& w,
    int64_t n,
    const float* spread,
    int64_t stride,
    const float* sums,
    int64_t M,
    float* y) {
  int64_t m = 0;
  for (; m + 4 <= M; m += 4) {
    packed_dots<Bits, 4>(w, n, spread + m * stride, stride, y + m);
  }
  for (; m < M; ++m) {
    packed_dots<Bits, 1>(w, n, spread + m * stride, stride, y + m);
  }
  for (m = 0; m < M; ++m) {
    y[m] += dot(w.biases + n * w.groups, sums + m * w.groups, w.groups);
  }
}

void packed_dots_of(
    const PackedRows& w,
    int64_t n,
    const float* spread,
    int64_t stride,
    const float* sums,
    int64_t M,
    float* y) {
  if (w.bits == 4) {
    packed_row<4>(w, n, spread, stride, sums, M, y);
  } else {
    packed_row<8>(w, n, spread, stride, sums, M, y);
  }
}

/** Row n in full, K values. Groups are whole vectors. */
void unpack_row(const PackedRows& w, int64_t n, float* out) {
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
  for (int64_t g = 0; g < w.groups; ++g) {
    const V s = set(w.scales[n * w.groups + g]);
    const V b = set(w.biases[n * w.groups + g]);
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

HWY_EXPORT(dots_of);
HWY_EXPORT(word_lanes);
HWY_EXPORT(packed_dots_of);
HWY_EXPORT(unpack_row);

namespace {

constexpr int64_t kRowsOfTask = 32; // of W

/** f(n, y) for every row n of W, where y takes M results; puts them into
 * column n of `out` [M, N]. */
template <class F>
void for_columns(int64_t N, const Tensor& out, int64_t M, const F& f) {
  parallel_for((N + kRowsOfTask - 1) / kRowsOfTask, [&](int64_t task) {
    std::vector<float> y(M);
    const int64_t end = std::min(N, (task + 1) * kRowsOfTask);
    for (int64_t n = task * kRowsOfTask; n < end; ++n) {
      f(n, y.data());
      for (int64_t m = 0; m < M; ++m) {
        out.data[m * N + n] = y[m];
      }
    }
  });
}

void run_matvec(const Tensor& x, const Tensor& w, const Tensor& out) {
  const int64_t M = x.dim(0), K = x.dim(1);
  for_columns(w.dim(0), out, M, [&](int64_t n, float* y) {
    HWY_DYNAMIC_DISPATCH(dots_of)(w.row(n), x.data, x.stride(0), K, M, y);
  });
}

PackedRows rows_of(const Tensors& in, int first, int bits) {
  const Tensor &w = in[first], &scales = in[first + 1];
  PackedRows out;
  out.words = reinterpret_cast<const uint32_t*>(w.data);
  out.scales = scales.data;
  out.biases = in[first + 2].data;
  out.words_in_row = w.dim(1);
  out.groups = scales.dim(1);
  out.bits = bits;
  while ((out.groups << out.words_shift) < out.words_in_row) {
    ++out.words_shift;
  }
  return out;
}

/** x so that packed_dots reads it in order: of each vector of words first the
 * lowest values, then the next. Zeros fill the last vector. */
void spread_row(const float* x, int64_t words, int per_word, float* out) {
  const int64_t N = HWY_DYNAMIC_DISPATCH(word_lanes)();
  for (int64_t at = 0; at < words; at += N) {
    for (int i = 0; i < per_word; ++i) {
      for (int64_t j = 0; j < N; ++j) {
        *out++ = at + j < words ? x[(at + j) * per_word + i] : 0.0f;
      }
    }
  }
}

void run_packed(int bits, const Tensors& in, const Tensor& out) {
  const Tensor& x = in[0];
  const PackedRows w = rows_of(in, 1, bits);
  const int64_t M = x.dim(0), K = x.dim(1), N = in[1].dim(0);
  const int64_t size = K / w.groups, L = HWY_DYNAMIC_DISPATCH(word_lanes)();
  const int64_t stride = (w.words_in_row + L - 1) / L * L * (32 / bits);
  std::vector<float> spread(M * stride), sums(M * w.groups);
  for (int64_t m = 0; m < M; ++m) {
    const float* row = x.data + m * K;
    spread_row(row, w.words_in_row, 32 / bits, spread.data() + m * stride);
    for (int64_t k = 0; k < K; ++k) {
      sums[m * w.groups + k / size] += row[k];
    }
  }
  for_columns(N, out, M, [&](int64_t n, float* y) {
    HWY_DYNAMIC_DISPATCH(packed_dots_of)
    (w, n, spread.data(), stride, sums.data(), M, y);
  });
}

} // namespace

mx::array
matvec(const mx::array& x, const mx::array& w, const Function& plain) {
  Kernel kernel{
      .name = "matvec",
      .run = [](const Tensors& in,
                const Tensors& out) { run_matvec(in[0], in[1], out[0]); },
      .plain = plain,
      .accepts = Accepts::row_gaps};
  return make_node(
      std::move(kernel), {x, w}, {{.shape = {x.shape(0), w.shape(0)}}})[0];
}

bool can_unpack(int bits) {
  return bits == 4 || bits == 8;
}

mx::array packed_matvec(
    const mx::array& x,
    const PackedArrays& w,
    const Function& plain) {
  Kernel kernel{
      .name = "packed_matvec",
      .settings = {double(w.bits)},
      .run = [bits = w.bits](
                 const Tensors& in,
                 const Tensors& out) { run_packed(bits, in, out[0]); },
      .plain = plain};
  return make_node(
      std::move(kernel),
      {x, w.packed, w.scales, w.biases},
      {{.shape = {x.shape(0), w.packed.shape(0)}}})[0];
}

mx::array unpack(const PackedArrays& w, const Function& plain) {
  Kernel kernel{
      .name = "unpack",
      .settings = {double(w.bits)},
      .run =
          [bits = w.bits](const Tensors& in, const Tensors& out) {
            const PackedRows rows = rows_of(in, 0, bits);
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
