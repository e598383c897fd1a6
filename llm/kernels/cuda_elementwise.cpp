// SPDX-License-Identifier: MIT

#include "llm/kernels/cuda_elementwise.h"

#include <vector>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/kernels/cuda_kernel.h"
#include "llm/kernels/cuda_parts.h"

namespace llm::kernels {

namespace {

constexpr int kThreads = 256, kEach = 8; // values of a thread: 16 bytes
constexpr int kMostRows = 1024;          // of a small table

constexpr const char* each_header = R"(
// f(pair of values, their place) for the eight values of a thread.
template <class F>
__device__ __forceinline__ void
each(const bf16* from, bf16* to, long n, const F& f) {
  const long i = (static_cast<long>(blockIdx.x) * blockDim.x + threadIdx.x) * 8;
  if (i >= n) return;
  const uint4 v = *reinterpret_cast<const uint4*>(from + i);
  uint4 r;
  r.x = f(v.x, i);
  r.y = f(v.y, i + 2);
  r.z = f(v.z, i + 4);
  r.w = f(v.w, i + 6);
  *reinterpret_cast<uint4*>(to + i) = r;
}

// The same for the pair at place i of rows of C.
template <int C, int drop>
__device__ __forceinline__ u32 dropped_at(u32 pair, long i, const u32* key) {
  const u32 row = static_cast<u32>(i / C), column = static_cast<u32>(i % C);
  return dropped_pair<drop>(pair, hash_row(row, key), column / 2);
}

__device__ __forceinline__ float gelu_of(float x) {
  return 0.5f * x * (1.0f + erff(x * 0.70710678f));
}

__device__ __forceinline__ float gelu_slope(float x) {
  return 0.5f * (1.0f + erff(x * 0.70710678f)) +
      x * 0.39894228f * __expf(-0.5f * x * x);
}
)";

int blocks_of(const mx::array& x) {
  const size_t each = kThreads * kEach;
  return static_cast<int>((x.size() + each - 1) / each);
}

mx::array
call(const CudaKernel& kernel, const std::vector<mx::array>& in, Constants c) {
  c.emplace_back("n", static_cast<int>(in[0].size()));
  return kernel(
      in,
      {in[0].shape()},
      {mx::bfloat16},
      {blocks_of(in[0]), 1, 1},
      kThreads,
      c)[0];
}

Constants drops(const mx::array& x, float p) {
  return {{"C", x.shape(-1)}, {"drop", drop_threshold(p)}};
}

} // namespace

bool usable_cuda_elementwise(const mx::array& x) {
  return x.ndim() > 0 && x.shape(-1) % 2 == 0 && x.size() % kEach == 0 &&
      x.size() < (1u << 31) && usable_on_cuda({x});
}

mx::array gelu_forward(const mx::array& x) {
  static const CudaKernel kernel(
      "gelu",
      {"x"},
      {"y"},
      R"(
  each(x, y, n, [](u32 v, long) {
    return pack(gelu_of(low_of(v)), gelu_of(high_of(v)));
  });
)",
      each_header);
  return call(kernel, {x}, {});
}

mx::array gelu_backward(const mx::array& x, const mx::array& dy) {
  static const CudaKernel kernel(
      "gelu_backward",
      {"x", "dy"},
      {"dx"},
      R"(
  each(x, dx, n, [&](u32 v, long i) {
    const u32 g = *reinterpret_cast<const u32*>(dy + i);
    return pack(
        gelu_slope(low_of(v)) * low_of(g), gelu_slope(high_of(v)) * high_of(g));
  });
)",
      each_header);
  return call(kernel, {x, dy}, {});
}

mx::array cuda_gelu(const mx::array& x) {
  const auto run = [](const std::vector<mx::array>& in) {
    return std::vector<mx::array>{gelu_forward(in[0])};
  };
  const auto gradient = [](const std::vector<mx::array>& in,
                           const std::vector<mx::array>& cotangents,
                           const std::vector<mx::array>&) {
    return std::vector<mx::array>{gelu_backward(in[0], cotangents[0])};
  };
  return mx::custom_vjp(run, gradient)({x})[0];
}

mx::array drop(const mx::array& x, const mx::array& key, float p) {
  if (p == 0) {
    return x;
  }
  static const CudaKernel kernel(
      "dropout",
      {"x", "key"},
      {"y"},
      R"(
  each(x, y, n, [&](u32 v, long i) {
    return dropped_at<C, drop>(v, i, key);
  });
)",
      each_header);
  return call(kernel, {x, key}, drops(x, p));
}

mx::array cuda_dropped(const mx::array& x, const mx::array& key, float p) {
  const auto run = [p](const std::vector<mx::array>& in) {
    return std::vector<mx::array>{drop(in[0], in[1], p)};
  };
  const auto gradient = [p](const std::vector<mx::array>& in,
                            const std::vector<mx::array>& cotangents,
                            const std::vector<mx::array>&) {
    return std::vector<mx::array>{
        drop(cotangents[0], in[1], p), mx::zeros_like(in[1])};
  };
  return mx::custom_vjp(run, gradient)({x, key})[0];
}

bool usable_cuda_rows(const mx::array& table) {
  return table.ndim() == 2 && table.shape(0) <= kMostRows &&
      table.shape(1) % kEach == 0 && usable_on_cuda({table});
}

mx::array embed(
    const mx::array& ids,
    const mx::array& wte,
    const mx::array& wpe,
    const Dropping& dropping,
    int L) {
  static const CudaKernel kernel(
      "embed",
      {"ids", "wte", "wpe", "key"},
      {"y"},
      R"(
  const long i = static_cast<long>(blockIdx.x) * blockDim.x + threadIdx.x;
  constexpr int pieces = C / 8; // of a row, 16 bytes each
  const long row = i / pieces;
  if (row >= N) return;
  const int piece = i % pieces;
  const uint4 a = reinterpret_cast<const uint4*>(
      wte)[static_cast<long>(ids[row]) * pieces + piece];
  const uint4 b =
      reinterpret_cast<const uint4*>(wpe)[row % L * pieces + piece];
  const u32 random =
      drop > 0 ? hash_row(row, reinterpret_cast<const u32*>(key)) : 0;
  const auto sum = [&](u32 p, u32 q, int pair) {
    const u32 x = pack(low_of(p) + low_of(q), high_of(p) + high_of(q));
    return drop > 0 ? dropped_pair<drop>(x, random, pair) : x;
  };
  uint4 r;
  r.x = sum(a.x, b.x, 4 * piece);
  r.y = sum(a.y, b.y, 4 * piece + 1);
  r.z = sum(a.z, b.z, 4 * piece + 2);
  r.w = sum(a.w, b.w, 4 * piece + 3);
  reinterpret_cast<uint4*>(y)[i] = r;
)");
  const int N = static_cast<int>(ids.size()), C = wte.shape(1);
  const int drop = dropping.drops() ? drop_threshold(dropping.p) : 0;
  return kernel(
      {ids, wte, wpe, dropping.key.value_or(wte)},
      {{N, C}},
      {mx::bfloat16},
      {(N * (C / kEach) + kThreads - 1) / kThreads, 1, 1},
      kThreads,
      {{"C", C}, {"N", N}, {"L", L}, {"drop", drop}})[0];
}

mx::array rows_gradient(const mx::array& ids, const mx::array& dy, int V) {
  if (V > kMostRows) {
    return mx::scatter_add(
        mx::zeros({V, dy.shape(1)}, dy.dtype()),
        ids,
        mx::expand_dims(dy, 1),
        0);
  }
  const int rows = (V + 7) / 8 * 8; // products are fast in steps of 8
  const mx::array ones = mx::astype(
      mx::equal(
          mx::reshape(mx::arange(0, rows, ids.dtype()), {-1, 1}),
          mx::reshape(ids, {1, -1})),
      dy.dtype()); // [rows, N]
  return mx::slice(mx::matmul(ones, dy), {0, 0}, {V, dy.shape(1)});
}

mx::array cuda_rows(const mx::array& table, const mx::array& ids) {
  static const CudaKernel kernel(
      "table_rows",
      {"table", "ids"},
      {"y"},
      R"(
  const long i = static_cast<long>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= n / 8) return;
  const long row = ids[i / (C / 8)];
  reinterpret_cast<uint4*>(y)[i] = reinterpret_cast<const uint4*>(
      table)[row * (C / 8) + i % (C / 8)];
)");
  const auto run = [](const std::vector<mx::array>& in) {
    const int C = in[0].shape(1);
    mx::Shape shape = in[1].shape();
    shape.push_back(C);
    const int n = static_cast<int>(in[1].size()) * C;
    const int blocks = (n / kEach + kThreads - 1) / kThreads;
    return kernel(
        in,
        {shape},
        {mx::bfloat16},
        {blocks, 1, 1},
        kThreads,
        {{"C", C}, {"n", n}});
  };
  const auto gradient = [](const std::vector<mx::array>& in,
                           const std::vector<mx::array>& cotangents,
                           const std::vector<mx::array>&) {
    const int V = in[0].shape(0), C = in[0].shape(1);
    const mx::array ids = mx::reshape(in[1], {-1});
    return std::vector<mx::array>{
        rows_gradient(ids, mx::reshape(cotangents[0], {-1, C}), V),
        mx::zeros_like(in[1])};
  };
  return mx::custom_vjp(run, gradient)({table, ids})[0];
}

} // namespace llm::kernels
