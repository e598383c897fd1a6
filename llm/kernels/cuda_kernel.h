// SPDX-License-Identifier: MIT
//
// Kernels for NVIDIA GPUs, given as text: MLX compiles them when they are first
// used, through the library that its wheel brings, and keeps them in a folder.
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

/** True if the default device is an NVIDIA GPU, LLM_CUDA_KERNELS is not 0 in the
 * environment, and all arrays are bfloat16 and not empty. */
bool usable_on_cuda(std::initializer_list<mx::array> arrays);
/** The same for a device alone. */
bool on_cuda();

using Constants = std::vector<std::pair<std::string, mx::fast::TemplateArg>>;

class CudaKernel {
 public:
  /** `source` is the body of the kernel; it sees the inputs and outputs by their
   * names, the constants of a call, and what cuda_header() defines. */
  CudaKernel(
      const std::string& name,
      const std::vector<std::string>& inputs,
      const std::vector<std::string>& outputs,
      const std::string& source,
      const std::string& more_header = "");

  std::vector<mx::array> operator()(
      const std::vector<mx::array>& inputs,
      const std::vector<mx::Shape>& shapes,
      const std::vector<mx::Dtype>& types,
      std::tuple<int, int, int> blocks,
      int threads,
      const Constants& constants) const;

 private:
  mx::fast::CustomKernelFunction run_;
};

/** Random bits of dropout: for row r under the key (k0, k1) hash_row(), for the
 * columns 2 i and 2 i + 1 the halves of mixed(row + i * 0x9e3779b9). A value is
 * dropped if its 16 bits are below drop_threshold(p). */
int drop_threshold(float p);

} // namespace llm::kernels
