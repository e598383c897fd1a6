// SPDX-License-Identifier: MIT
//
// Working memory of the attention kernel, and one head of its arrays.

#if defined(LLM_KERNELS_SCRATCH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef LLM_KERNELS_SCRATCH_INL_H_
#undef LLM_KERNELS_SCRATCH_INL_H_
#else
#define LLM_KERNELS_SCRATCH_INL_H_
#endif

#include <algorithm>
#include <vector>

#include "llm/kernels/node.h"
#include "llm/kernels/operand.h"
#include "llm/kernels/simd-inl.h"

HWY_BEFORE_NAMESPACE();
namespace llm::kernels::HWY_NAMESPACE {

/** A matrix of this thread, rows padded to whole vectors with zeros. */
class Scratch {
 public:
  Scratch(int64_t rows, int64_t columns)
      : row_((columns + lanes() - 1) / lanes() * lanes()),
        data_(rows * row_, 0.0f) {}
  float* row(int64_t i) {
    return data_.data() + i * row_;
  }
  int64_t stride() const {
    return row_;
  }
  Right right() {
    return {data_.data(), row_};
  }
  Left left() {
    return {data_.data(), row_, 1};
  }
  Left transposed() {
    return {data_.data(), 1, row_};
  }

 private:
  int64_t row_;
  std::vector<float> data_;
};

/** Where one head of q, k, v, ... lies: row l is at data + l * row. */
struct Head {
  float* data;
  int64_t row;
};

inline Head head_of(const Tensor& t, int64_t b, int64_t h) {
  return {t.data + b * t.stride(0) + h * t.stride(1), t.stride(2)};
}

inline void copy_rows(Head from, int64_t rows, int64_t width, Scratch& to) {
  for (int64_t i = 0; i < rows; ++i) {
    std::copy_n(from.data + i * from.row, width, to.row(i));
  }
}

inline void transpose(Head from, int64_t rows, int64_t width, Scratch& to) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t d = 0; d < width; ++d) {
      to.row(d)[i] = from.data[i * from.row + d];
    }
  }
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif // the guard that Highway toggles
