// SPDX-License-Identifier: MIT
//
// Rows of numbers as the kernels of generation read them: a few rows x, and a
// matrix whose rows are float32 or in MLX's affine layout, where value k of a
// row is scale * q + bias, q being `bits` bits of word k * bits / 32.

#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "llm/kernels/node.h"

namespace llm::kernels {

struct MatrixRows {
  int bits = 32;                 ///< 32: float32
  const float* values = nullptr; ///< of 32 bits: [rows, stride]
  int64_t stride = 0;
  const uint32_t* words = nullptr; ///< of 4 or 8 bits: [rows, words_in_row]
  const void* scales = nullptr;    ///< [rows, groups]: float32 or, if
  const void* biases = nullptr;    ///< `halves`, float16
  bool halves = false;
  int64_t words_in_row = 0, groups = 0;
};

/** Scales and biases of some rows in float32. */
class GroupNumbers {
 public:
  /** Of rows [n, n + rows); `w` must outlive it. */
  GroupNumbers(const MatrixRows& w, int64_t n, int64_t rows);

  const float* scales; ///< [rows, groups]
  const float* biases;

 private:
  std::vector<float> memory_; // where they are halves
};

/** in[first] is the matrix; if it is packed, scales and biases follow it. */
MatrixRows matrix_rows(const Tensors& in, int first, int bits);

/** Rows x [M, K] in the order in which a matrix of one kind reads them. */
struct ReadyRows {
  const float* x = nullptr; ///< [M, stride]
  int64_t stride = 0;
  int64_t M = 0, K = 0;
  int bytes = 0;                   ///< of each x, see byte_rows.h; 0: floats
  std::unique_ptr<float[]> memory; ///< of x, where it is another order
};

/** x must outlive the result. */
ReadyRows make_ready(
    const float* x,
    int64_t stride,
    int64_t M,
    int64_t K,
    const MatrixRows& w);

/** y [end - begin, M]: each of these rows of w times each x. A product has the
 * same bits whatever rows stand beside it. */
void products(
    const MatrixRows& w,
    int64_t begin,
    int64_t end,
    const ReadyRows& x,
    float* y);

/** Rows of a matrix for one task of parallel_for, of `rows` in all: a few tasks
 * for each thread, because each begins by waiting for memory, which then comes
 * by itself as long as rows follow each other. A multiple of 2. */
int64_t rows_of_task(int64_t rows);

/** One row of RMSNorm (no bias, not centered) or LayerNorm. */
void norm_of_row(
    const float* x,
    const float* weight,
    const float* bias,
    float* y,
    int64_t n,
    float eps,
    bool centered);

/** y = silu(gate) * up. */
void swiglu_of(const float* gate, const float* up, float* y, int64_t n);

} // namespace llm::kernels
