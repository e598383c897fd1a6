// SPDX-License-Identifier: MIT
//
// Kernels for NVIDIA GPUs, given as text and compiled when they are first used
// (cuda_compile.h): no CUDA toolkit is needed to build this.
// On any other device usable_on_cuda() is false and MLX's operations run.

#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <mlx/array.h>
#include <mlx/fast.h>

namespace llm::kernels {

namespace mx = mlx::core;

/** True if the default device is an NVIDIA GPU, LLM_CUDA_KERNELS is not 0 in
 * the environment, and all arrays are bfloat16 and not empty. */
bool usable_on_cuda(std::initializer_list<mx::array> arrays);
/** The same for a device alone. */
bool on_cuda();

using Constants = std::vector<std::pair<std::string, int>>;

class CudaKernel {
 public:
  /** `source` is the body of the kernel; it sees the inputs and outputs by
   * their names, the constants of a call, and what is in cuda_kernel.cpp. */
  CudaKernel(
      std::string name,
      std::vector<std::string> inputs,
      std::vector<std::string> outputs,
      std::string source,
      std::string more_header = "");

  std::vector<mx::array> operator()(
      const std::vector<mx::array>& inputs,
      const std::vector<mx::Shape>& shapes,
      const std::vector<mx::Dtype>& types,
      std::tuple<int, int, int> blocks,
      int threads,
      const Constants& constants) const;

 private:
  std::string name_;
  std::vector<std::string> inputs_, outputs_;
  std::string source_, header_;
};

/** Random bits of dropout: for row r under the key (k0, k1) hash_row(), for the
 * columns 2 i and 2 i + 1 the halves of mixed(row + i * 0x9e3779b9). A value is
 * dropped if its 16 bits are below drop_threshold(p). */
int drop_threshold(float p);

} // namespace llm::kernels
