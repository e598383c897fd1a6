// SPDX-License-Identifier: MIT
//
// The CUDA text of cuda_attention.cpp. Names of fragments as in the PTX
// manual's mma.m16n8k16: lane 4 g + t of a warp holds rows g and g + 8, columns
// 2 t and 2 t + 1 of an 8 wide tile.

#pragma once

namespace llm::kernels {

inline constexpr const char* cuda_attention_header = R"(
// A tile: 64 rows of 64 values, 128 bytes each; 16-byte pieces are permuted so
// that eight rows of one column lie in different banks.
__device__ __forceinline__ u32 place(int row, int piece) {
  return row * 128 + ((piece ^ (row & 7)) << 4);
}

__device__ __forceinline__ u32 shared_address(const void* p) {
  return static_cast<u32>(__cvta_generic_to_shared(p));
}

__device__ __forceinline__ void load4(u32* r, u32 address) {
  asm volatile(
      "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
      : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
      : "r"(address));
}

__device__ __forceinline__ void load4_turned(u32* r, u32 address) {
  asm volatile(
      "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
      : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
      : "r"(address));
}

__device__ __forceinline__ void mma(float* c, const u32* a, u32 b0, u32 b1) {
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

__device__ __forceinline__ float exp_2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// 64 rows from global memory (row n at from + n * stride) into a tile.
__device__ __forceinline__ void
fetch(void* tile, const bf16* from, int stride) {
  for (int i = threadIdx.x; i < 512; i += 128) {
    const int row = i >> 3, piece = i & 7;
    const u32 to = shared_address(tile) + place(row, piece);
    const bf16* source = from + static_cast<long>(row) * stride + piece * 8;
    asm volatile(
        "cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(source));
  }
  asm volatile("cp.async.commit_group;");
}

__device__ __forceinline__ void fetched() {
  asm volatile("cp.async.wait_group 0;");
  __syncthreads();
}

// The 16 rows of this warp as left factors, four steps of 16 columns.
__device__ __forceinline__ void left_rows(u32 (*a)[4], const void* tile) {
  const int lane = threadIdx.x & 31, m = lane >> 3;
  const int row = (threadIdx.x >> 5) * 16 + (lane & 7) + (m & 1) * 8;
  for (int k = 0; k < 4; ++k) {
    load4(a[k], shared_address(tile) + place(row, 2 * k + (m >> 1)));
  }
}

// c [16, 64] += rows a [16, 64] times the tile's rows, transposed.
__device__ __forceinline__ void
times_transposed(float (*c)[4], const u32 (*a)[4], const void* tile) {
  const int lane = threadIdx.x & 31, m = lane >> 3;
#pragma unroll
  for (int n = 0; n < 4; ++n) { // 16 columns of c
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      u32 b[4];
      const int row = n * 16 + (lane & 7) + (m >> 1) * 8;
      load4(b, shared_address(tile) + place(row, 2 * k + (m & 1)));
      mma(c[2 * n], a[k], b[0], b[1]);
      mma(c[2 * n + 1], a[k], b[2], b[3]);
    }
  }
}

// c [16, 64] += p [16, 64] (as sums lie, rounded here) times the tile.
__device__ __forceinline__ void
times(float (*c)[4], const float (*p)[4], const void* tile) {
  const int lane = threadIdx.x & 31, m = lane >> 3;
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const u32 a[4] = {
        pack(p[2 * k][0], p[2 * k][1]),
        pack(p[2 * k][2], p[2 * k][3]),
        pack(p[2 * k + 1][0], p[2 * k + 1][1]),
        pack(p[2 * k + 1][2], p[2 * k + 1][3])};
#pragma unroll
    for (int n = 0; n < 4; ++n) {
      u32 b[4];
      const int row = k * 16 + (lane & 7) + (m & 1) * 8;
      load4_turned(b, shared_address(tile) + place(row, 2 * n + (m >> 1)));
      mma(c[2 * n], a, b[0], b[1]);
      mma(c[2 * n + 1], a, b[2], b[3]);
    }
  }
}

__device__ __forceinline__ void clear(float (*c)[4]) {
#pragma unroll
  for (int i = 0; i < 32; ++i) {
    c[i >> 2][i & 3] = 0.0f;
  }
}

// This warp's 16 rows of 64, times f0 (rows g) and f1 (rows g + 8).
__device__ __forceinline__ void
store(bf16* to, int stride, const float (*c)[4], float f0, float f1) {
  const int lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
  const int row = (threadIdx.x >> 5) * 16 + g;
  bf16* low = to + static_cast<long>(row) * stride + 2 * t;
  bf16* high = low + 8l * stride;
#pragma unroll
  for (int n = 0; n < 8; ++n) {
    *reinterpret_cast<u32*>(low + 8 * n) = pack(c[n][0] * f0, c[n][1] * f0);
    *reinterpret_cast<u32*>(high + 8 * n) = pack(c[n][2] * f1, c[n][3] * f1);
  }
}
)";

inline constexpr const char* cuda_attention_forward = R"(
  __shared__ __align__(128) unsigned char s_k[8192], s_v[8192];
  constexpr float scale = 0.125f * 1.44269504f; // of heads of 64, in log2
  constexpr float kept = 65536.0f / (65536 - drop);
  constexpr int stride = 3 * C;
  const int tile = L / 64 - 1 - blockIdx.x; // the longest first
  const int h = blockIdx.y, b = blockIdx.z;
  const bf16* base = qkv + static_cast<long>(b) * L * stride + h * 64;
  const int lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
  const int row = (threadIdx.x >> 5) * 16 + g; // and row + 8, in the tile
  u32 q[4][4];
  fetch(s_k, base + 64l * tile * stride, stride);
  fetched();
  left_rows(q, s_k);
  __syncthreads();
  const u32 first = (b * H + h) * L + tile * 64 + row;
  const u32 r0 = hash_row(first, key);
  const u32 r1 = hash_row(first + 8, key);
  float o[8][4], m0 = -1e30f, m1 = -1e30f, l0 = 0, l1 = 0;
  clear(o);
  for (int j = 0; j <= tile; ++j) {
    fetch(s_k, base + C + 64l * j * stride, stride);
    fetch(s_v, base + 2 * C + 64l * j * stride, stride);
    fetched();
    float s[8][4];
    clear(s);
    times_transposed(s, q, s_k);
    float n0 = m0, n1 = m1;
#pragma unroll
    for (int n = 0; n < 8; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        const int column = 8 * n + 2 * t + (i & 1);
        const bool seen = j < tile || column <= row + (i >> 1) * 8;
        s[n][i] = seen ? s[n][i] * scale : -1e30f;
      }
      n0 = fmaxf(n0, fmaxf(s[n][0], s[n][1]));
      n1 = fmaxf(n1, fmaxf(s[n][2], s[n][3]));
    }
#pragma unroll
    for (int d = 1; d < 4; d *= 2) {
      n0 = fmaxf(n0, __shfl_xor_sync(0xffffffffu, n0, d));
      n1 = fmaxf(n1, __shfl_xor_sync(0xffffffffu, n1, d));
    }
    const float a0 = exp_2(m0 - n0), a1 = exp_2(m1 - n1);
    m0 = n0;
    m1 = n1;
    l0 *= a0;
    l1 *= a1;
#pragma unroll
    for (int n = 0; n < 8; ++n) {
#pragma unroll
      for (int i = 0; i < 4; ++i) {
        s[n][i] = exp_2(s[n][i] - (i < 2 ? m0 : m1));
        o[n][i] *= i < 2 ? a0 : a1;
      }
      l0 += s[n][0] + s[n][1];
      l1 += s[n][2] + s[n][3];
      if (drop > 0) {
        const u32 pair = (32 * j + 4 * n + t) * 0x9e3779b9u;
        const u32 x0 = mixed(r0 + pair), x1 = mixed(r1 + pair);
        s[n][0] = (x0 & 0xffff) < drop ? 0.0f : s[n][0];
        s[n][1] = (x0 >> 16) < drop ? 0.0f : s[n][1];
        s[n][2] = (x1 & 0xffff) < drop ? 0.0f : s[n][2];
        s[n][3] = (x1 >> 16) < drop ? 0.0f : s[n][3];
      }
    }
    times(o, s, s_v);
    __syncthreads();
  }
#pragma unroll
  for (int d = 1; d < 4; d *= 2) {
    l0 += __shfl_xor_sync(0xffffffffu, l0, d);
    l1 += __shfl_xor_sync(0xffffffffu, l1, d);
  }
  store(
      y + (static_cast<long>(b) * L + 64 * tile) * C + h * 64,
      C,
      o,
      kept / l0,
      kept / l1);
  if (t == 0) {
    lse[first] = m0 + __log2f(l0);
    lse[first + 8] = m1 + __log2f(l1);
  }
)";

// The sum of y dy over each head, eight lanes for each.
inline constexpr const char* cuda_attention_delta = R"(
  const long i = static_cast<long>(blockIdx.x) * blockDim.x + threadIdx.x;
  const long head = i >> 3; // counts [B, L, H]
  const uint4 a = *reinterpret_cast<const uint4*>(y + 8 * i);
  const uint4 c = *reinterpret_cast<const uint4*>(dy + 8 * i);
  const u32 p[4] = {a.x, a.y, a.z, a.w}, q[4] = {c.x, c.y, c.z, c.w};
  float sum = 0;
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    sum += low_of(p[j]) * low_of(q[j]) + high_of(p[j]) * high_of(q[j]);
  }
#pragma unroll
  for (int d = 1; d < 8; d *= 2) {
    sum += __shfl_xor_sync(0xffffffffu, sum, d);
  }
  if ((i & 7) == 0) {
    const long b = head / (H * L), l = head / H % L, h = head % H;
    delta[(b * H + h) * L + l] = sum;
  }
)";

// Half of the blocks: keys and values of a tile, from all queries that see it.
// The others: queries of a tile, from all keys that they see.
inline constexpr const char* cuda_attention_backward = R"(
  __shared__ __align__(128) unsigned char s_a[8192], s_b[8192];
  __shared__ float s_lse[64], s_delta[64];
  __shared__ u32 s_random[64];
  constexpr float scale = 0.125f, log2e = 1.44269504f;
  constexpr float kept = 65536.0f / (65536 - drop);
  constexpr int stride = 3 * C, tiles = L / 64;
  const bool of_keys = blockIdx.x < tiles;
  const int tile = of_keys ? blockIdx.x : 2 * tiles - 1 - blockIdx.x;
  const int h = blockIdx.y, b = blockIdx.z;
  const bf16* base = qkv + static_cast<long>(b) * L * stride + h * 64;
  const bf16* dbase = dy + static_cast<long>(b) * L * C + h * 64;
  bf16* out = dqkv + (static_cast<long>(b) * L + 64 * tile) * stride + h * 64;
  const int lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
  const int row = (threadIdx.x >> 5) * 16 + g;
  const long first = static_cast<long>(b * H + h) * L;
  u32 a[4][4], c[4][4];
  if (of_keys) {
    fetch(s_a, base + C + 64l * tile * stride, stride);
    fetch(s_b, base + 2 * C + 64l * tile * stride, stride);
  } else {
    fetch(s_a, base + 64l * tile * stride, stride);
    fetch(s_b, dbase + 64l * tile * C, C);
  }
  fetched();
  left_rows(a, s_a); // keys, or queries
  left_rows(c, s_b); // values, or gradients of the output
  __syncthreads();
  float d1[8][4], d2[8][4];
  clear(d1);
  clear(d2);
  if (of_keys) {
    for (int j = tile; j < tiles; ++j) {
      fetch(s_a, base + 64l * j * stride, stride);
      fetch(s_b, dbase + 64l * j * C, C);
      if (threadIdx.x < 64) {
        const int at = 64 * j + threadIdx.x;
        s_lse[threadIdx.x] = lse[first + at];
        s_delta[threadIdx.x] = delta[first + at];
        s_random[threadIdx.x] =
            hash_row(static_cast<u32>(first) + at, key);
      }
      fetched();
      float s[8][4], dp[8][4];
      clear(s);
      clear(dp);
      times_transposed(s, a, s_a);
      times_transposed(dp, c, s_b);
#pragma unroll
      for (int n = 0; n < 8; ++n) {
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const int query = 8 * n + 2 * t + (i & 1);
          const int k = row + (i >> 1) * 8; // the key, in its tile
          const bool seen = j > tile || k <= query;
          float p = exp_2(s[n][i] * (scale * log2e) - s_lse[query]);
          p = seen ? p : 0.0f;
          bool keep = true;
          if (drop > 0) {
            const u32 pair = (32 * tile + (k >> 1)) * 0x9e3779b9u;
            const u32 x = mixed(s_random[query] + pair);
            keep = ((k & 1) ? x >> 16 : x & 0xffff) >= drop;
          }
          const float dropped = keep ? dp[n][i] * kept : 0.0f;
          dp[n][i] = p * (dropped - s_delta[query]) * scale;
          s[n][i] = keep ? p * kept : 0.0f;
        }
      }
      times(d2, s, s_b);
      times(d1, dp, s_a);
      __syncthreads();
    }
    store(out + C, stride, d1, 1, 1);
    store(out + 2 * C, stride, d2, 1, 1);
  } else {
    const int at = 64 * tile + row;
    const float lse0 = lse[first + at], lse1 = lse[first + at + 8];
    const float delta0 = delta[first + at], delta1 = delta[first + at + 8];
    const u32 r0 = hash_row(static_cast<u32>(first) + at, key);
    const u32 r1 = hash_row(static_cast<u32>(first) + at + 8, key);
    for (int j = 0; j <= tile; ++j) {
      fetch(s_a, base + C + 64l * j * stride, stride);
      fetch(s_b, base + 2 * C + 64l * j * stride, stride);
      fetched();
      float s[8][4], dp[8][4];
      clear(s);
      clear(dp);
      times_transposed(s, a, s_a);
      times_transposed(dp, c, s_b);
#pragma unroll
      for (int n = 0; n < 8; ++n) {
        const u32 pair = (32 * j + 4 * n + t) * 0x9e3779b9u;
        const u32 x0 = mixed(r0 + pair), x1 = mixed(r1 + pair);
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const int column = 8 * n + 2 * t + (i & 1);
          const bool seen = j < tile || column <= row + (i >> 1) * 8;
          const u32 x = i < 2 ? x0 : x1;
          const bool keep =
              drop == 0 || ((i & 1) ? x >> 16 : x & 0xffff) >= drop;
          const float p = seen
              ? exp_2(s[n][i] * (scale * log2e) - (i < 2 ? lse0 : lse1))
              : 0.0f;
          const float dropped = keep ? dp[n][i] * kept : 0.0f;
          dp[n][i] = p * (dropped - (i < 2 ? delta0 : delta1)) * scale;
        }
      }
      times(d1, dp, s_a);
      __syncthreads();
    }
    store(out, stride, d1, 1, 1);
  }
)";

} // namespace llm::kernels
