// SPDX-License-Identifier: MIT

#include "llm/kernels/cuda_kernel.h"

#include <cmath>
#include <cstdlib>
#include <functional>
#include <string_view>

#include <mlx/backend/cuda/cuda.h>
#include <mlx/device.h>

namespace llm::kernels {

namespace {

constexpr const char* header = R"(
typedef unsigned int u32;
typedef __nv_bfloat16 bf16;

__device__ __forceinline__ u32 mixed(u32 x) {
  x ^= x >> 16;
  x *= 0x21f0aaadu;
  x ^= x >> 15;
  x *= 0x735a2d97u;
  x ^= x >> 15;
  return x;
}

__device__ __forceinline__ u32 hash_row(u32 row, const u32* key) {
  return mixed(mixed(row + key[0]) ^ key[1]);
}

__device__ __forceinline__ u32 pack(float low, float high) {
  u32 r;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
  return r;
}

__device__ __forceinline__ float low_of(u32 pair) {
  return __uint_as_float(pair << 16);
}

__device__ __forceinline__ float high_of(u32 pair) {
  return __uint_as_float(pair & 0xffff0000u);
}

__device__ __forceinline__ float warp_sum(float x) {
#pragma unroll
  for (int d = 16; d > 0; d /= 2) {
    x += __shfl_xor_sync(0xffffffffu, x, d);
  }
  return x;
}
)";

} // namespace

bool on_cuda() {
  static const bool wanted = [] {
    const char* set = std::getenv("LLM_CUDA_KERNELS");
    return set == nullptr || std::string_view(set) != "0";
  }();
  return wanted && mx::default_device() == mx::Device::gpu &&
      mx::cu::is_available();
}

bool usable_on_cuda(std::initializer_list<mx::array> arrays) {
  for (const mx::array& a : arrays) {
    if (a.dtype() != mx::bfloat16 || a.size() == 0) {
      return false;
    }
  }
  return on_cuda();
}

// MLX keeps what it compiled in files of the kernel's name: another text needs
// another name.
CudaKernel::CudaKernel(
    const std::string& name,
    const std::vector<std::string>& inputs,
    const std::vector<std::string>& outputs,
    const std::string& source,
    const std::string& more_header)
    : run_(mx::fast::cuda_kernel(
          "llm_" + name + "_" +
              std::to_string(
                  std::hash<std::string>{}(header + more_header + source)),
          inputs,
          outputs,
          source,
          header + more_header)) {}

std::vector<mx::array> CudaKernel::operator()(
    const std::vector<mx::array>& inputs,
    const std::vector<mx::Shape>& shapes,
    const std::vector<mx::Dtype>& types,
    std::tuple<int, int, int> blocks,
    int threads,
    const Constants& constants) const {
  const auto [x, y, z] = blocks;
  return run_(
      inputs,
      shapes,
      types,
      {x * threads, y, z},
      {threads, 1, 1},
      constants,
      std::nullopt,
      false,
      {});
}

int drop_threshold(float p) {
  return static_cast<int>(std::lround(p * 65536.0f));
}

} // namespace llm::kernels
