// SPDX-License-Identifier: MIT

#include "llm/kernels/cuda_norm.h"

#include <algorithm>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/kernels/cuda_kernel.h"
#include "llm/kernels/cuda_parts.h"

namespace llm::kernels {

namespace {

constexpr int kWarps = 8;      // of a block, a row each
constexpr int kBackward = 396; // blocks that fit an H100 at once, a share each
constexpr int kWidest = 2048;

// Lane l of a warp holds the pairs l, l + 32, ... of its row. With `adds` the
// row is h = x + what dropout leaves of `more`.
constexpr const char* forward_source = R"(
  constexpr int n = C / 64;
  const int lane = threadIdx.x & 31;
  const long row = static_cast<long>(blockIdx.x) * 8 + (threadIdx.x >> 5);
  if (row >= N) return;
  const u32* from = reinterpret_cast<const u32*>(x) + row * (C / 2);
  const u32 random =
      adds ? hash_row(row, reinterpret_cast<const u32*>(key)) : 0;
  u32 v[n];
  float sum = 0;
#pragma unroll
  for (int j = 0; j < n; ++j) {
    const int i = lane + 32 * j;
    v[j] = from[i];
    if (adds) {
      const u32 d = dropped_pair<drop>(
          reinterpret_cast<const u32*>(more)[row * (C / 2) + i], random, i);
      v[j] = pack(low_of(v[j]) + low_of(d), high_of(v[j]) + high_of(d));
      reinterpret_cast<u32*>(h)[row * (C / 2) + i] = v[j];
    }
    sum += low_of(v[j]) + high_of(v[j]);
  }
  const float mean = warp_sum(sum) / C;
  float squares = 0;
#pragma unroll
  for (int j = 0; j < n; ++j) {
    const float a = low_of(v[j]) - mean, b = high_of(v[j]) - mean;
    squares += a * a + b * b;
  }
  const float eps = __int_as_float(eps_bits);
  const float r = rsqrtf(warp_sum(squares) / C + eps);
  u32* to = reinterpret_cast<u32*>(y) + row * (C / 2);
#pragma unroll
  for (int j = 0; j < n; ++j) {
    const int i = lane + 32 * j;
    const u32 w = reinterpret_cast<const u32*>(weight)[i];
    const u32 b = has_bias ? reinterpret_cast<const u32*>(bias)[i] : 0;
    to[i] = pack(
        (low_of(v[j]) - mean) * r * low_of(w) + low_of(b),
        (high_of(v[j]) - mean) * r * high_of(w) + high_of(b));
  }
  if (lane == 0) {
    stats[2 * row] = mean;
    stats[2 * row + 1] = r;
  }
)";

// dx (plus `more`), what dropout leaves of it, and for each block the sums over
// its rows that make dweight and dbias.
constexpr const char* backward_source = R"(
  constexpr int n = C / 64;
  __shared__ float s_w[C], s_b[C];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  float w[2 * n], dw[2 * n], db[2 * n];
#pragma unroll
  for (int j = 0; j < n; ++j) {
    const u32 pair = reinterpret_cast<const u32*>(weight)[lane + 32 * j];
    w[2 * j] = low_of(pair);
    w[2 * j + 1] = high_of(pair);
    dw[2 * j] = dw[2 * j + 1] = db[2 * j] = db[2 * j + 1] = 0;
  }
  for (long row = blockIdx.x * 8 + warp; row < N; row += gridDim.x * 8) {
    const u32* from = reinterpret_cast<const u32*>(x) + row * (C / 2);
    const u32* gradient = reinterpret_cast<const u32*>(dy) + row * (C / 2);
    const float mean = stats[2 * row], r = stats[2 * row + 1];
    float h[2 * n], g[2 * n], a = 0, b = 0;
#pragma unroll
    for (int j = 0; j < n; ++j) {
      const u32 p = from[lane + 32 * j], q = gradient[lane + 32 * j];
      h[2 * j] = (low_of(p) - mean) * r;
      h[2 * j + 1] = (high_of(p) - mean) * r;
      g[2 * j] = low_of(q);
      g[2 * j + 1] = high_of(q);
    }
#pragma unroll
    for (int j = 0; j < 2 * n; ++j) {
      dw[j] += g[j] * h[j];
      if (has_bias) db[j] += g[j];
      g[j] *= w[j];
      a += g[j];
      b += g[j] * h[j];
    }
    a = warp_sum(a) / C;
    b = warp_sum(b) / C;
    u32* to = reinterpret_cast<u32*>(dx) + row * (C / 2);
    const u32 random =
        drops ? hash_row(row, reinterpret_cast<const u32*>(key)) : 0;
#pragma unroll
    for (int j = 0; j < n; ++j) {
      const int i = lane + 32 * j;
      const u32 m = has_more
          ? reinterpret_cast<const u32*>(more)[row * (C / 2) + i]
          : 0;
      const u32 d = pack(
          r * (g[2 * j] - a - h[2 * j] * b) + low_of(m),
          r * (g[2 * j + 1] - a - h[2 * j + 1] * b) + high_of(m));
      to[i] = d;
      if (drops) {
        reinterpret_cast<u32*>(dropped)[row * (C / 2) + i] =
            dropped_pair<drop>(d, random, i);
      }
    }
  }
  for (int turn = 0; turn < 8; ++turn) { // in a fixed order
    if (warp == turn) {
#pragma unroll
      for (int j = 0; j < 2 * n; ++j) {
        const int i = 2 * (lane + 32 * (j >> 1)) + (j & 1);
        s_w[i] = (turn ? s_w[i] : 0) + dw[j];
        if (has_bias) s_b[i] = (turn ? s_b[i] : 0) + db[j];
      }
    }
    __syncthreads();
  }
  for (int i = threadIdx.x; i < C; i += 256) {
    parts[static_cast<long>(blockIdx.x) * C + i] = s_w[i];
    if (has_bias) bias_parts[static_cast<long>(blockIdx.x) * C + i] = s_b[i];
  }
)";

// The sums of the columns of one of the parts [rows, C], rounded; 32 columns a
// block, which part is blockIdx.y.
constexpr const char* columns_source = R"(
  __shared__ float s_sums[8][32];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const int column = blockIdx.x * 32 + lane;
  float sum = 0;
  for (int row = warp; row < rows; row += 8) {
    sum += from[row * C + column];
  }
  s_sums[warp][lane] = sum;
  __syncthreads();
  if (warp == 0) {
    float total = 0;
    for (int i = 0; i < 8; ++i) total += s_sums[i][lane];
    to[column] = rounded(total);
  }
)";

CudaKernel columns_kernel(size_t n) {
  std::vector<std::string> in, out;
  std::ostringstream choose;
  choose << "  const float* from = parts0; bf16* to = y0;\n";
  for (size_t i = 0; i < n; ++i) {
    in.push_back("parts" + std::to_string(i));
    out.push_back("y" + std::to_string(i));
    if (i > 0) {
      choose << "  if (blockIdx.y == " << i << ") { from = parts" << i
             << "; to = y" << i << "; }\n";
    }
  }
  return CudaKernel("columns", in, out, choose.str() + columns_source);
}

int bits_of(float x) {
  int bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

} // namespace

bool usable_cuda_norm(
    const mx::array& x,
    const mx::array& weight,
    const std::optional<mx::array>& bias) {
  return x.shape(-1) % 64 == 0 && x.shape(-1) <= kWidest &&
      usable_on_cuda({x, weight}) && (!bias || usable_on_cuda({*bias}));
}

namespace {

std::vector<mx::array> forward(
    const mx::array& x,
    const mx::array& weight,
    const std::optional<mx::array>& bias,
    float eps,
    const std::optional<mx::array>& more,
    const Dropping& dropping) {
  static const CudaKernel kernel(
      "layer_norm",
      {"x", "weight", "bias", "more", "key"},
      {"y", "stats", "h"},
      forward_source);
  const int C = x.shape(-1), N = static_cast<int>(x.size() / C);
  return kernel(
      {x,
       weight,
       bias.value_or(weight),
       more.value_or(weight),
       dropping.key.value_or(weight)},
      {x.shape(), {N, 2}, more ? x.shape() : mx::Shape{1}},
      {mx::bfloat16, mx::float32, mx::bfloat16},
      {(N + kWarps - 1) / kWarps, 1, 1},
      32 * kWarps,
      {{"C", C},
       {"N", N},
       {"eps_bits", bits_of(eps)},
       {"has_bias", bias.has_value()},
       {"adds", more.has_value()},
       {"drop", dropping.drops() ? drop_threshold(dropping.p) : 0}});
}

} // namespace

std::vector<mx::array> norm_forward(
    const mx::array& x,
    const mx::array& weight,
    const std::optional<mx::array>& bias,
    float eps) {
  return forward(x, weight, bias, eps, {}, {});
}

std::vector<mx::array> add_norm_forward(
    const mx::array& x,
    const mx::array& y,
    const Dropping& dropping,
    const mx::array& weight,
    float eps) {
  return forward(x, weight, {}, eps, y, dropping);
}

NormGradients norm_backward(
    const mx::array& x,
    const mx::array& weight,
    const mx::array& stats,
    const mx::array& dy,
    bool has_bias,
    const std::optional<mx::array>& more,
    const Dropping& before) {
  static const CudaKernel kernel(
      "layer_norm_backward",
      {"x", "weight", "stats", "dy", "more", "key"},
      {"dx", "parts", "bias_parts", "dropped"},
      backward_source);
  const int C = x.shape(-1), N = static_cast<int>(x.size() / C);
  const int blocks = std::min(kBackward, (N + kWarps - 1) / kWarps);
  const mx::Shape parts = {blocks, C}, none = {1};
  const bool drops = before.drops();
  const std::vector<mx::array> d = kernel(
      {x,
       weight,
       stats,
       dy,
       more.value_or(weight),
       drops ? *before.key : weight},
      {x.shape(), parts, has_bias ? parts : none, drops ? x.shape() : none},
      {mx::bfloat16, mx::float32, mx::float32, mx::bfloat16},
      {blocks, 1, 1},
      32 * kWarps,
      {{"C", C},
       {"N", N},
       {"has_bias", has_bias},
       {"has_more", more.has_value()},
       {"drops", drops},
       {"drop", drops ? drop_threshold(before.p) : 0}});
  return {d[0], d[1], d[2], drops ? d[3] : d[0]};
}

std::vector<mx::array> column_sums(const std::vector<mx::array>& parts) {
  const size_t n = parts.size();
  const int rows = parts[0].shape(0), C = parts[0].shape(1);
  return columns_kernel(n)(
      parts,
      std::vector<mx::Shape>(n, {C}),
      std::vector<mx::Dtype>(n, mx::bfloat16),
      {C / 32, static_cast<int>(n), 1},
      256,
      {{"rows", rows}, {"C", C}});
}

mx::array cuda_layer_norm(
    const mx::array& x,
    const mx::array& weight,
    const std::optional<mx::array>& bias,
    float eps) {
  const bool has_bias = bias.has_value();
  const auto run = [=](const std::vector<mx::array>& in) {
    return norm_forward(
        in[0],
        in[1],
        has_bias ? std::optional<mx::array>(in[2]) : std::nullopt,
        eps);
  };
  const auto gradient = [=](const std::vector<mx::array>& in,
                            const std::vector<mx::array>& cotangents,
                            const std::vector<mx::array>& out) {
    const NormGradients d =
        norm_backward(in[0], in[1], out[1], cotangents[0], has_bias);
    std::vector<mx::array> parts = {d.parts};
    if (has_bias) {
      parts.push_back(d.bias_parts);
    }
    std::vector<mx::array> all = column_sums(parts);
    all.insert(all.begin(), d.dx);
    return all;
  };
  std::vector<mx::array> in = {x, weight};
  if (has_bias) {
    in.push_back(*bias);
  }
  return mx::custom_vjp(run, gradient)(in)[0];
}

} // namespace llm::kernels
