// SPDX-License-Identifier: MIT
//
// Norm, products and what follows them in one pass over the weights.

#include <algorithm>
#include <memory>

#include "llm/kernels/decode_steps.h"
#include "llm/kernels/rows.h"
#include "llm/kernels/thread_pool.h"

namespace llm::kernels {

ProjectionPlan plan_projection(const Projection& p, Weights& weights) {
  ProjectionPlan out;
  if (p.norm) {
    out.norm = weights.add(p.norm->weight);
    out.eps = p.norm->eps;
  }
  out.swiglu = p.swiglu;
  for (const Matrix& m : p.matrices) {
    ProjectionPlan::Part part{weights.add(m.weight), m.bits, -1};
    if (m.bits != 32) {
      weights.add(*m.scales);
      weights.add(*m.biases);
    }
    if (m.bias) {
      part.bias = weights.add(*m.bias);
    }
    out.parts.push_back(part);
    out.width = (p.swiglu ? 0 : out.width) + m.weight.shape(0);
  }
  return out;
}

namespace {

/** The rows of x, normalized into `memory` where the plan has a norm. */
const float* normalized(
    const ProjectionPlan& plan,
    const Tensors& weights,
    const Tensor& x,
    std::vector<float>& memory) {
  if (plan.norm < 0) {
    return x.data;
  }
  const int64_t K = x.width();
  memory.resize(x.size());
  for (int64_t m = 0; m < x.rows(); ++m) {
    norm_of_row(
        x.data + m * K,
        weights[plan.norm].data,
        nullptr,
        memory.data() + m * K,
        K,
        plan.eps,
        false);
  }
  return memory.data();
}

class Projector {
 public:
  Projector(
      const ProjectionPlan& plan,
      const Tensors& weights,
      const Tensor& input,
      const Tensor* residual,
      const Tensor& out)
      : plan_(plan),
        weights_(weights),
        residual_(residual),
        out_(out),
        M_(input.rows()) {
    const int64_t K = input.width();
    const float* x = normalized(plan, weights, input, memory_);
    for (const ProjectionPlan::Part& part : plan.parts) {
      const MatrixRows w = matrix_rows(weights, part.weight, part.bits);
      const auto same = [&](const MatrixRows& other) {
        return other.bits == w.bits && other.groups == w.groups;
      };
      // q, k and v read x in the same order, so it is made ready once.
      const auto known = std::find_if(w_.begin(), w_.end(), same);
      ready_.push_back(
          known == w_.end()
              ? std::make_shared<ReadyRows>(make_ready(x, K, M_, K, w))
              : ready_[known - w_.begin()]);
      w_.push_back(w);
      columns_.push_back(weights[part.weight].dim(0));
    }
  }

  void run() const {
    std::vector<Task> tasks;
    int64_t first = 0;
    const size_t parts = plan_.swiglu ? 1 : w_.size();
    const int64_t rows = rows_of_task(plan_.width);
    for (size_t part = 0; part < parts; ++part) {
      for (int64_t n = 0; n < columns_[part]; n += rows) {
        tasks.push_back({part, n, std::min(columns_[part], n + rows), first});
      }
      first += columns_[part];
    }
    parallel_for(
        static_cast<int64_t>(tasks.size()), [&](int64_t i) { run(tasks[i]); });
  }

 private:
  struct Task {
    size_t part;
    int64_t begin, end; // rows of the matrix
    int64_t first;      // the matrix's first column of the output
  };

  /** y [end - begin, M]: products and bias. */
  std::vector<float> product(size_t part, const Task& task) const {
    std::vector<float> y((task.end - task.begin) * M_);
    products(w_[part], task.begin, task.end, *ready_[part], y.data());
    if (const int bias = plan_.parts[part].bias; bias >= 0) {
      for (int64_t n = task.begin; n < task.end; ++n) {
        for (int64_t m = 0; m < M_; ++m) {
          y[(n - task.begin) * M_ + m] += weights_[bias].data[n];
        }
      }
    }
    return y;
  }

  void run(const Task& task) const {
    std::vector<float> y = product(task.part, task);
    if (plan_.swiglu) {
      const std::vector<float> up = product(1, task);
      swiglu_of(y.data(), up.data(), y.data(), static_cast<int64_t>(y.size()));
    }
    const int64_t width = out_.width();
    for (int64_t n = task.begin; n < task.end; ++n) {
      for (int64_t m = 0; m < M_; ++m) {
        const int64_t at = m * width + task.first + n;
        const float value = y[(n - task.begin) * M_ + m];
        out_.data[at] = residual_ ? value + residual_->data[at] : value;
      }
    }
  }

  const ProjectionPlan& plan_;
  const Tensors& weights_;
  const Tensor* residual_;
  const Tensor& out_;
  int64_t M_; // rows of x
  std::vector<float> memory_;
  std::vector<MatrixRows> w_;
  std::vector<std::shared_ptr<ReadyRows>> ready_;
  std::vector<int64_t> columns_;
};

} // namespace

void run_projection(
    const ProjectionPlan& plan,
    const Tensors& weights,
    const Tensor& x,
    const Tensor* residual,
    const Tensor& out) {
  Projector(plan, weights, x, residual, out).run();
}

} // namespace llm::kernels
