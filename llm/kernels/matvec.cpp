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
#include "llm/kernels/rows.h"
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
HWY_INLINE V scales_of(const MatrixRows& w, const float* scales, int64_t word) {
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
    const MatrixRows& w,
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
HWY_INLINE void
packed_row(const MatrixRows& w, int64_t n, const ReadyRows& x, float* y) {
  const int64_t M = x.M, stride = static_cast<int64_t>(x.spread.size()) / M;
  const float* spread = x.spread.data();
  int64_t m = 0;
  for (; m + 4 <= M; m += 4) {
    packed_dots<Bits, 4>(w, n, spread + m * stride, stride, y + m);
  }
  for (; m < M; ++m) {
    packed_dots<Bits, 1>(w, n, spread + m * stride, stride, y + m);
  }
  for (m = 0; m < M; ++m) {
    const float* sums = x.sums.data() + m * w.groups;
    y[m] += dot(w.biases + n * w.groups, sums, w.groups);
  }
}

void products_of(
    const MatrixRows& w,
    int64_t begin,
    int64_t end,
    const ReadyRows& x,
    float* y) {
  for (int64_t n = begin; n < end; ++n, y += x.M) {
    if (w.bits == 32) {
      dots_of(w.values + n * w.stride, x.x, x.stride, x.K, x.M, y);
    } else if (w.bits == 4) {
      packed_row<4>(w, n, x, y);
    } else {
      packed_row<8>(w, n, x, y);
    }
  }
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(products_of);
HWY_EXPORT(word_lanes);

namespace {

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

constexpr int64_t kRowsOfTask = 32; // of W

/** x [M, K] times all rows of w, into out [M, N]. */
void run(const MatrixRows& w, const Tensor& x, const Tensor& out) {
  const int64_t M = x.dim(0), N = out.dim(1);
  const ReadyRows ready = make_ready(x.data, x.stride(0), M, x.dim(1), w);
  parallel_for((N + kRowsOfTask - 1) / kRowsOfTask, [&](int64_t task) {
    const int64_t begin = task * kRowsOfTask;
    const int64_t end = std::min(N, begin + kRowsOfTask);
    std::vector<float> y((end - begin) * M);
    products(w, begin, end, ready, y.data());
    for (int64_t n = begin; n < end; ++n) {
      for (int64_t m = 0; m < M; ++m) {
        out.data[m * N + n] = y[(n - begin) * M + m];
      }
    }
  });
}

} // namespace

ReadyRows make_ready(
    const float* x,
    int64_t stride,
    int64_t M,
    int64_t K,
    const MatrixRows& w) {
  ReadyRows out{x, stride, M, K, {}, {}};
  if (w.bits == 32) {
    return out;
  }
  const int per_word = 32 / w.bits;
  const int64_t size = K / w.groups, L = HWY_DYNAMIC_DISPATCH(word_lanes)();
  const int64_t padded = (w.words_in_row + L - 1) / L * L * per_word;
  out.spread.resize(M * padded);
  out.sums.resize(M * w.groups);
  for (int64_t m = 0; m < M; ++m) {
    const float* row = x + m * stride;
    spread_row(row, w.words_in_row, per_word, out.spread.data() + m * padded);
    for (int64_t k = 0; k < K; ++k) {
      out.sums[m * w.groups + k / size] += row[k];
    }
  }
  return out;
}

void products(
    const MatrixRows& w,
    int64_t begin,
    int64_t end,
    const ReadyRows& x,
    float* y) {
  HWY_DYNAMIC_DISPATCH(products_of)(w, begin, end, x, y);
}

mx::array
matvec(const mx::array& x, const mx::array& w, const Function& plain) {
  Kernel kernel{
      .name = "matvec",
      .run =
          [](const Tensors& in, const Tensors& out) {
            run(matrix_rows(in, 1, 32), in[0], out[0]);
          },
      .plain = plain,
      .accepts = Accepts::row_gaps};
  return make_node(
      std::move(kernel), {x, w}, {{.shape = {x.shape(0), w.shape(0)}}})[0];
}

mx::array packed_matvec(
    const mx::array& x,
    const PackedArrays& w,
    const Function& plain) {
  Kernel kernel{
      .name = "packed_matvec",
      .settings = {double(w.bits)},
      .run =
          [bits = w.bits](const Tensors& in, const Tensors& out) {
            run(matrix_rows(in, 1, bits), in[0], out[0]);
          },
      .plain = plain};
  return make_node(
      std::move(kernel),
      {x, w.packed, w.scales, w.biases},
      {{.shape = {x.shape(0), w.packed.shape(0)}}})[0];
}

} // namespace llm::kernels
#endif // HWY_ONCE
