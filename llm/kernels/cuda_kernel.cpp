// SPDX-License-Identifier: MIT

#include "llm/kernels/cuda_kernel.h"

#include <cmath>
#include <cstdlib>
#include <functional>
#include <sstream>
#include <string_view>

#include <mlx/backend/cuda/cuda.h>
#include <mlx/device.h>

#include "llm/kernels/cuda_compile.h"

namespace llm::kernels {

namespace {

constexpr const char* header = R"(
typedef unsigned int u32;

struct bf16 {
  unsigned short bits;
  __device__ __forceinline__ operator float() const {
    return __uint_as_float(static_cast<u32>(bits) << 16);
  }
};

__device__ __forceinline__ bf16 rounded(float x) {
  bf16 r;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(r.bits) : "f"(x));
  return r;
}

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

// Columns 2 c and 2 c + 1 of a row with random bits of its own (hash_row), times
// 1 / (1 - p) or zero.
template <int drop>
__device__ __forceinline__ u32 dropped_pair(u32 pair, u32 row_bits, u32 c) {
  constexpr float kept = 65536.0f / (65536 - drop);
  const u32 bits = mixed(row_bits + c * 0x9e3779b9u);
  return pack(
      (bits & 0xffff) < drop ? 0.0f : low_of(pair) * kept,
      (bits >> 16) < drop ? 0.0f : high_of(pair) * kept);
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

CudaKernel::CudaKernel(
    std::string name,
    std::vector<std::string> inputs,
    std::vector<std::string> outputs,
    std::string source,
    std::string more_header)
    : name_(std::move(name)),
      inputs_(std::move(inputs)),
      outputs_(std::move(outputs)),
      source_(std::move(source)),
      header_(header + more_header) {}

namespace {

const char* type_name(mx::Dtype type) {
  return type == mx::bfloat16 ? "bf16"
      : type == mx::float32   ? "float"
      : type == mx::uint32    ? "u32"
                              : "int";
}

} // namespace

std::vector<mx::array> CudaKernel::operator()(
    const std::vector<mx::array>& inputs,
    const std::vector<mx::Shape>& shapes,
    const std::vector<mx::Dtype>& types,
    std::tuple<int, int, int> blocks,
    int threads,
    const Constants& constants) const {
  std::ostringstream arguments, values;
  for (size_t i = 0; i < inputs.size(); ++i) {
    arguments << "const " << type_name(inputs[i].dtype()) << "* " << inputs_[i]
              << ", ";
  }
  for (size_t i = 0; i < types.size(); ++i) {
    arguments << type_name(types[i]) << "* " << outputs_[i]
              << (i + 1 < types.size() ? ", " : "");
  }
  for (const auto& [name, value] : constants) {
    values << "  constexpr int " << name << " = " << value << ";\n";
  }
  const std::string body =
      "(" + arguments.str() + ") {\n" + values.str() + source_ + "}\n";
  const std::string name = "llm_" + name_ + "_" +
      std::to_string(std::hash<std::string>{}(header_ + body));
  const std::string text =
      header_ + "extern \"C\" __global__ void " + name + body;
  const auto [x, y, z] = blocks;
  return mx::fast::precompiled_cuda_kernel(
      name,
      cuda_code(name, text),
      inputs,
      shapes,
      types,
      {},
      {x * threads, y, z},
      {threads, 1, 1},
      0,
      std::nullopt,
      /* ensure_row_contiguous = */ true);
}

int drop_threshold(float p) {
  return static_cast<int>(std::lround(p * 65536.0f));
}

} // namespace llm::kernels
