// SPDX-License-Identifier: MIT
//
// y = x W^T for a few rows x, as in generation, where reading W is all that
// costs: every row of W is read once and multiplied with all x. W is float32,
// or packed in 4 or 8 bits in MLX's affine layout, and unpacked in registers.
// A row of y does not depend on the rows beside it, to the bit.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "llm/kernels/matvec.cpp"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <vector>

#include "llm/kernels/byte_rows.h"
#include "llm/kernels/kernels.h"
#include "llm/kernels/rows.h"
#include "llm/kernels/simd-inl.h"
#include "llm/kernels/thread_pool.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

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

int64_t float_lanes() {
  return lanes();
}

using DU = hn::RebindToUnsigned<D>;
using VU = hn::Vec<DU>;
using DBytes = hn::Rebind<uint8_t, D>;

/** The values that the numbers q of a group stand for: scale * q + bias. */
template <int Bits>
class Group {
 public:
  HWY_INLINE void begin(float scale, float bias) {
    scale_ = set(scale);
    bias_ = set(bias);
    if constexpr (kTable) { // all 16 values in one register
      table_ = hn::MulAdd(hn::Iota(D(), 0), scale_, bias_);
    }
  }

  HWY_INLINE V values(VU q) const {
    if constexpr (kTable) {
      return hn::TableLookupLanes(table_, hn::IndicesFromVec(D(), q));
    }
    const hn::RebindToSigned<D> di;
    return hn::MulAdd(hn::ConvertTo(D(), hn::BitCast(di, q)), scale_, bias_);
  }

 private:
  static constexpr bool kTable = Bits == 4 && HWY_TARGET == HWY_AVX3;
  V scale_, bias_, table_;
};

/** Two vectors of numbers: 4 bits, the lower and upper halves of lanes() bytes;
 * 8 bits, 2 lanes() bytes one after the other. */
template <int Bits>
HWY_INLINE void load_numbers(const uint8_t* p, VU (&q)[2]) {
  q[0] = hn::PromoteTo(DU(), hn::LoadU(DBytes(), p));
  if constexpr (Bits == 4) {
    q[1] = hn::ShiftRight<4>(q[0]);
    q[0] = hn::And(q[0], hn::Set(DU(), 15u));
  } else {
    q[1] = hn::PromoteTo(DU(), hn::LoadU(DBytes(), p + lanes()));
  }
}

// Bytes from memory that are asked for before they are needed: what arrives
// while the rows before them are multiplied.
constexpr int64_t kAhead = 1024;

/** y[i * M + m] = all lanes of both sums of row i and x_m. */
template <int Rows, int R>
HWY_INLINE void add_up(const V (&sum)[Rows][R][2], int64_t M, float* y) {
  for (int i = 0; i < Rows; ++i) {
    for (int m = 0; m < R; ++m) {
      y[i * M + m] = sum_of(hn::Add(sum[i][m][0], sum[i][m][1]));
    }
  }
}

/** y[i * M + m] = row n + i of w times x_m, for Rows rows and R of the x. Rows
 * at a time share what is read of x. */
template <int Bits, int Rows, int R>
HWY_INLINE void packed_dots(
    const MatrixRows& w,
    int64_t n,
    const float* x,
    int64_t stride,
    int64_t M,
    float* y) {
  const int64_t bytes_in_row = w.words_in_row * 4;
  const int64_t bytes_in_group = bytes_in_row / w.groups;
  const int64_t step = 2 * lanes() * Bits / 8; // bytes of two vectors
  const auto* p = reinterpret_cast<const uint8_t*>(w.words) + n * bytes_in_row;
  const GroupNumbers numbers(w, n, Rows);
  const float *scales = numbers.scales, *biases = numbers.biases;
  V sum[Rows][R][2];
  for (auto& row : sum) {
    for (auto& pair : row) {
      pair[0] = pair[1] = hn::Zero(D());
    }
  }
  Group<Bits> group[Rows];
  for (int64_t g = 0; g < w.groups; ++g) {
    for (int i = 0; i < Rows; ++i) {
      hwy::Prefetch(scales + i * w.groups + g + kAhead / 16);
      hwy::Prefetch(biases + i * w.groups + g + kAhead / 16);
      group[i].begin(scales[i * w.groups + g], biases[i * w.groups + g]);
    }
    for (int64_t at = 0; at < bytes_in_group; at += step, p += step) {
      for (int i = 0; i < Rows; ++i) {
        VU q[2];
        hwy::Prefetch(p + i * bytes_in_row + kAhead);
        load_numbers<Bits>(p + i * bytes_in_row, q);
        const V a = group[i].values(q[0]), b = group[i].values(q[1]);
        for (int m = 0; m < R; ++m) {
          const float* at_x = x + m * stride;
          sum[i][m][0] = hn::MulAdd(a, hn::LoadU(D(), at_x), sum[i][m][0]);
          sum[i][m][1] =
              hn::MulAdd(b, hn::LoadU(D(), at_x + lanes()), sum[i][m][1]);
        }
      }
      x += 2 * lanes();
    }
  }
  add_up<Rows, R>(sum, M, y);
}

template <int Bits, int Rows>
HWY_INLINE void
packed_rows(const MatrixRows& w, int64_t n, const ReadyRows& x, float* y) {
  int64_t m = 0;
  for (; m + 4 <= x.M; m += 4) {
    packed_dots<Bits, Rows, 4>(w, n, x.x + m * x.stride, x.stride, x.M, y + m);
  }
  for (; m < x.M; ++m) {
    packed_dots<Bits, Rows, 1>(w, n, x.x + m * x.stride, x.stride, x.M, y + m);
  }
}

template <int Bits>
void packed_products(
    const MatrixRows& w,
    int64_t begin,
    int64_t end,
    const ReadyRows& x,
    float* y) {
  int64_t n = begin;
  for (; n + 2 <= end; n += 2) {
    packed_rows<Bits, 2>(w, n, x, y + (n - begin) * x.M);
  }
  if (n < end) {
    packed_rows<Bits, 1>(w, n, x, y + (n - begin) * x.M);
  }
}

void products_of(
    const MatrixRows& w,
    int64_t begin,
    int64_t end,
    const ReadyRows& x,
    float* y) {
  if (w.bits == 4) {
    packed_products<4>(w, begin, end, x, y);
  } else if (w.bits == 8) {
    packed_products<8>(w, begin, end, x, y);
  } else {
    for (int64_t n = begin; n < end; ++n, y += x.M) {
      dots_of(w.values + n * w.stride, x.x, x.stride, x.K, x.M, y);
    }
  }
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace llm::kernels {

HWY_EXPORT(products_of);
HWY_EXPORT(float_lanes);

int64_t rows_of_task(int64_t rows) {
  constexpr int64_t kTasks = 2, kLeast = 32; // for each thread; rows
  const int64_t some = rows / (kTasks * threads());
  return std::max(kLeast, (some + 1) / 2 * 2);
}

ReadyRows make_ready(
    const float* x,
    int64_t stride,
    int64_t M,
    int64_t K,
    const MatrixRows& w) {
  ReadyRows out;
  out.x = x;
  out.stride = stride;
  out.M = M;
  out.K = K;
  if (w.bits == 32) {
    return out;
  }
  if (const int bits = activation_bits(); bits < 32) {
    return make_bytes(x, stride, M, K, w, bits / 8);
  }
  if (w.bits == 8) {
    return out;
  }
  const int64_t N = HWY_DYNAMIC_DISPATCH(float_lanes)();
  out.memory = std::make_unique_for_overwrite<float[]>(M * K);
  float* to = out.memory.get();
  for (int64_t m = 0; m < M; ++m) {
    for (int64_t k = 0; k < K; k += 2 * N) { // a byte holds values 2j, 2j + 1
      const float* from = x + m * stride + k;
      for (int64_t j = 0; j < N; ++j) {
        to[j] = from[2 * j];
        to[N + j] = from[2 * j + 1];
      }
      to += 2 * N;
    }
  }
  out.x = out.memory.get();
  out.stride = K;
  return out;
}

void products(
    const MatrixRows& w,
    int64_t begin,
    int64_t end,
    const ReadyRows& x,
    float* y) {
  if (x.bytes > 0) {
    return byte_products(w, begin, end, x, y);
  }
  HWY_DYNAMIC_DISPATCH(products_of)(w, begin, end, x, y);
}

} // namespace llm::kernels
#endif // HWY_ONCE
