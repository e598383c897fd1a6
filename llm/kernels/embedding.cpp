// SPDX-License-Identifier: MIT
//
// Rows of a table by number, and the gradient of the table: each row of it is
// the sum of the gradients at all places that read it. A task of the gradient
// has some columns of all rows, so that no two tasks add into one place and the
// order of a sum is that of the places.

#include <algorithm>

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include "llm/kernels/kernels.h"
#include "llm/kernels/thread_pool.h"

namespace llm::kernels {

namespace {

constexpr int64_t kRows = 64;    // of a task: forward
constexpr int64_t kColumns = 32; // of a task: backward

/** The row of x that `id` names, counted from the end if negative, as MLX does;
 * null beyond the table. */
float* row_of(const Tensor& table, int32_t id) {
  const int64_t rows = table.dim(0), row = id < 0 ? id + rows : id;
  return row < 0 || row >= rows ? nullptr : table.data + row * table.dim(1);
}

// in: table [V, C], ids [...]. out: rows [..., C].
void run_rows(const Tensors& in, const Tensors& out) {
  const int64_t C = in[0].dim(1), n = in[1].size();
  parallel_for((n + kRows - 1) / kRows, [&](int64_t task) {
    const int64_t end = std::min(n, (task + 1) * kRows);
    for (int64_t i = task * kRows; i < end; ++i) {
      const float* row = row_of(in[0], in[1].ints()[i]);
      float* to = out[0].data + i * C;
      row ? std::copy_n(row, C, to) : std::fill_n(to, C, 0.0f);
    }
  });
}

// in: ids [...], gradient [..., C]. out: of the table, [V, C].
void run_gradient(const Tensors& in, const Tensors& out) {
  const int64_t V = out[0].dim(0), C = out[0].dim(1), n = in[0].size();
  parallel_for((C + kColumns - 1) / kColumns, [&](int64_t task) {
    const int64_t first = task * kColumns, some = std::min(kColumns, C - first);
    for (int64_t v = 0; v < V; ++v) {
      std::fill_n(out[0].data + v * C + first, some, 0.0f);
    }
    for (int64_t i = 0; i < n; ++i) {
      const float* from = in[1].data + i * C + first;
      float* row = row_of(out[0], in[0].ints()[i]);
      for (int64_t c = 0; row && c < some; ++c) {
        row[first + c] += from[c];
      }
    }
  });
}

} // namespace

mx::array table_rows(
    const mx::array& table,
    const mx::array& ids,
    const Function& plain) {
  Kernel kernel{
      .name = "table_rows",
      .run = run_rows,
      .plain = plain,
      .vjp = [plain](const auto& in, const auto& cotangents, const auto&) {
        const mx::Shape shape = in[0].shape();
        // Linear in the table: its values do not matter.
        const Function plain_vjp = [plain, shape](const auto& in) {
          const Function of_table = [&](const auto& table) {
            return plain({table[0], in[0]});
          };
          return mx::vjp(of_table, {mx::zeros(shape)}, {in[1]}).second;
        };
        Kernel gradient{
            .name = "table_rows_gradient",
            .settings = {double(shape[0])},
            .run = run_gradient,
            .plain = plain_vjp};
        return std::vector<mx::array>{
            make_node(
                std::move(gradient),
                {in[1], cotangents[0]},
                {{.shape = shape}})[0],
            mx::zeros_like(in[1])};
      }};
  mx::Shape shape = ids.shape();
  shape.push_back(table.shape(1));
  return make_node(
      std::move(kernel), {table, ids}, {{.shape = std::move(shape)}})[0];
}

} // namespace llm::kernels
