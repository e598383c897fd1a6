// SPDX-License-Identifier: MIT
//
// How a kernel becomes an operation of MLX: one mx::Primitive that holds what
// a kernel has to say (compute, gradient, plain twin). All use of MLX's
// primitive, allocator and encoder interfaces is in node.cpp.

#pragma once

#include <functional>
#include <vector>

#include <mlx/array.h>

namespace llm::kernels {

namespace mx = mlx::core;

/** A view of an array while a kernel runs. Rows are along the last axis. */
struct Tensor {
  float* data;
  mx::Shape shape;
  mx::Strides strides; ///< in elements
  int item_bytes = 4;  ///< 2: float16, for which `data` is but an address

  int dim(int i) const {
    return shape[i < 0 ? static_cast<int>(shape.size()) + i : i];
  }
  int64_t stride(int i) const {
    return strides[i < 0 ? static_cast<int>(strides.size()) + i : i];
  }
  int64_t size() const;
  int64_t rows() const; ///< size over width
  int width() const {
    return shape.empty() ? 1 : shape.back();
  }
  float* row(int64_t r) const; ///< row r, counted in the order of the axes
  const int32_t* ints() const {
    return reinterpret_cast<const int32_t*>(data);
  }
};

using Tensors = std::vector<Tensor>;

/** Of an evaluated array, which must outlive it. */
Tensor tensor_of(const mx::array& a);

/** The form of functions that MLX's transformations take. */
using Function =
    std::function<std::vector<mx::array>(const std::vector<mx::array>&)>;

/** How an output lies in memory. */
enum class Layout {
  rows,     ///< row-contiguous
  heads,    ///< [B, H, L, D] stored as [B, L, H, D]: merging heads is then free
  as_first, ///< like the first input if that has no gaps, else rows
};

struct Output {
  mx::Shape shape;
  Layout layout = Layout::rows;
  int donor = -1; ///< an input of this shape whose memory it may take over
};

/** Which inputs a kernel reads as they are; others are copied first. */
enum class Accepts {
  rows,     ///< row-contiguous
  row_gaps, ///< without gaps along the last axis
  any_strides,
};

struct Kernel {
  const char* name;
  /** What tells two nodes of this name apart. */
  std::vector<double> settings;
  /** Computes the outputs; runs on the stream's thread. */
  std::function<void(const Tensors& in, const Tensors& out)> run;
  /** The same in operations of MLX: for jvp, vmap, second derivatives. Outputs
   * at the end that only our own gradient uses may be left out. */
  Function plain;
  /** (inputs, cotangents of the outputs, outputs) -> a cotangent for each
   * input; empty: that of `plain`. */
  std::function<std::vector<mx::array>(
      const std::vector<mx::array>&,
      const std::vector<mx::array>&,
      const std::vector<mx::array>&)>
      vjp;
  Accepts accepts = Accepts::rows;
};

/** The outputs of a kernel as lazy float32 arrays. */
std::vector<mx::array> make_node(
    Kernel kernel,
    const std::vector<mx::array>& inputs,
    const std::vector<Output>& outputs);

/** The gradient of `plain` as a function of (inputs, cotangents). */
Function plain_gradient(Function plain, size_t inputs);

} // namespace llm::kernels
