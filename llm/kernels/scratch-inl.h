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
  Scratch() = default;
  Scratch(int64_t rows, int64_t columns) {
    resize(rows, columns);
  }
  void resize(int64_t rows, int64_t columns) {
    row_ = (columns + lanes() - 1) / lanes() * lanes();
    data_.assign(rows * row_, 0.0f);
  }
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
  int64_t row_ = 0;
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

inline Head rows_from(Head head, int64_t first) {
  return {head.data + first * head.row, head.row};
}

inline void copy_row(const float* from, int64_t width, float* to) {
  for_vectors(width, [&](int64_t i, auto load, auto store) HWY_ATTR {
    store(load(from + i), to + i);
  });
}

inline void copy_rows(Head from, int64_t rows, int64_t width, Scratch& to) {
  for (int64_t i = 0; i < rows; ++i) {
    copy_row(from.data + i * from.row, width, to.row(i));
  }
}

inline void copy_to(Scratch& from, int64_t rows, int64_t width, Head to) {
  for (int64_t i = 0; i < rows; ++i) {
    copy_row(from.row(i), width, to.data + i * to.row);
  }
}

/** Rows in whole vectors: the head's own if they are, else a copy in `memory`.
 */
inline Right
whole_rows(Head from, int64_t rows, int64_t width, Scratch& memory) {
  if (width % lanes() == 0) {
    return {from.data, from.row};
  }
  memory.resize(rows, width);
  copy_rows(from, rows, width, memory);
  return memory.right();
}

inline void transpose(Head from, int64_t rows, int64_t width, Scratch& to) {
  transpose_block(from.data, from.row, rows, width, to.row(0), to.stride());
}

} // namespace llm::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif // the guard that Highway toggles
