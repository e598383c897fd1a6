// SPDX-License-Identifier: MIT
//
// Norm, products and what follows them in one pass over the weights.

#include <algorithm>
#include <memory>

#include "llm/kernels/decode.h"
#include "llm/kernels/rows.h"
#include "llm/kernels/thread_pool.h"

namespace llm::kernels {

namespace {

constexpr int64_t kRowsOfTask = 32; // of a matrix

/** Where the inputs of the node are; -1: absent. */
struct Plan {
  struct Part {
    int weight, bits, bias;
  };
  int norm = -1, residual = -1;
  float eps = 0;
  std::vector<Part> parts;
  bool swiglu = false;
};

struct Node {
  Plan plan;
  std::vector<mx::array> inputs;
  std::vector<double> settings;
  int width = 0;
};

Node node_of(const mx::array& x, const Projection& p) {
  Node out;
  const auto add = [&](const mx::array& a) {
    out.inputs.push_back(a);
    return static_cast<int>(out.inputs.size()) - 1;
  };
  add(x);
  if (p.norm) {
    out.plan.norm = add(p.norm->weight);
    out.plan.eps = p.norm->eps;
  }
  if (p.residual) {
    out.plan.residual = add(*p.residual);
  }
  out.plan.swiglu = p.swiglu;
  out.settings = {double(p.norm.has_value()), out.plan.eps, double(p.swiglu)};
  for (const Matrix& m : p.matrices) {
    Plan::Part part{add(m.weight), m.bits, -1};
    if (m.bits != 32) {
      add(*m.scales);
      add(*m.biases);
    }
    if (m.bias) {
      part.bias = add(*m.bias);
    }
    out.settings.insert(
        out.settings.end(), {double(m.bits), double(m.bias.has_value())});
    out.plan.parts.push_back(part);
    out.width = (p.swiglu ? 0 : out.width) + m.weight.shape(0);
  }
  return out;
}

/** The rows of x, normalized into `memory` where the plan has a norm. */
const float*
normalized(const Plan& plan, const Tensors& in, std::vector<float>& memory) {
  if (plan.norm < 0) {
    return in[0].data;
  }
  const int64_t K = in[0].width();
  memory.resize(in[0].size());
  for (int64_t m = 0; m < in[0].rows(); ++m) {
    norm_of_row(
        in[0].row(m),
        in[plan.norm].data,
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
  Projector(const Plan& plan, const Tensors& in, const Tensor& out)
      : plan_(plan), in_(in), out_(out), M_(in[0].rows()) {
    const int64_t K = in[0].width();
    const float* x = normalized(plan, in, memory_);
    for (const Plan::Part& part : plan.parts) {
      const MatrixRows w = matrix_rows(in, part.weight, part.bits);
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
      columns_.push_back(in[part.weight].dim(0));
    }
  }

  void run() const {
    std::vector<Task> tasks;
    int64_t first = 0;
    const size_t parts = plan_.swiglu ? 1 : w_.size();
    for (size_t part = 0; part < parts; ++part) {
      for (int64_t n = 0; n < columns_[part]; n += kRowsOfTask) {
        tasks.push_back(
            {part, n, std::min(columns_[part], n + kRowsOfTask), first});
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
          y[(n - task.begin) * M_ + m] += in_[bias].data[n];
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
        out_.data[at] =
            plan_.residual < 0 ? value : value + in_[plan_.residual].data[at];
      }
    }
  }

  const Plan& plan_;
  const Tensors& in_;
  const Tensor& out_;
  int64_t M_; // rows of x
  std::vector<float> memory_;
  std::vector<MatrixRows> w_;
  std::vector<std::shared_ptr<ReadyRows>> ready_;
  std::vector<int64_t> columns_;
};

} // namespace

mx::array
project(const mx::array& x, const Projection& projection, Function plain) {
  Node node = node_of(x, projection);
  mx::Shape shape = x.shape();
  shape.back() = node.width;
  Kernel kernel{
      .name = "project",
      .settings = node.settings,
      .run = [plan = node.plan](
                 const Tensors& in,
                 const Tensors& out) { Projector(plan, in, out[0]).run(); },
      .plain = std::move(plain)};
  return make_node(std::move(kernel), node.inputs, {{.shape = shape}})[0];
}

} // namespace llm::kernels
