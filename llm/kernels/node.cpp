// SPDX-License-Identifier: MIT

#include "llm/kernels/node.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <mlx/allocator.h>
#include <mlx/backend/cpu/encoder.h>
#include <mlx/ops.h>
#include <mlx/primitives.h>
#include <mlx/transforms.h>

namespace llm::kernels {

int64_t Tensor::size() const {
  return std::accumulate(
      shape.begin(), shape.end(), int64_t{1}, std::multiplies<int64_t>());
}

int64_t Tensor::rows() const {
  return width() == 0 ? 0 : size() / width();
}

float* Tensor::row(int64_t r) const {
  int64_t offset = 0;
  for (int i = static_cast<int>(shape.size()) - 2; i >= 0; --i) {
    offset += r % shape[i] * strides[i];
    r /= shape[i];
  }
  return data + offset;
}

Tensor tensor_of(const mx::array& a) {
  return {
      const_cast<mx::array&>(a).data<float>(),
      a.shape(),
      a.strides(),
      static_cast<int>(a.itemsize())};
}

namespace {

mx::Strides row_strides(const mx::Shape& shape) {
  mx::Strides strides(shape.size(), 1);
  for (int i = static_cast<int>(shape.size()) - 2; i >= 0; --i) {
    strides[i] = strides[i + 1] * shape[i + 1];
  }
  return strides;
}

bool rows_without_gaps(const mx::array& a) {
  return a.ndim() == 0 || a.shape().back() <= 1 || a.strides().back() == 1;
}

template <class T>
void copy_items(const Tensor& from, const Tensor& to) {
  const int64_t step = from.strides.empty() ? 1 : from.strides.back();
  const auto row = [](const Tensor& t, int64_t r) {
    return reinterpret_cast<T*>(t.data) + (t.row(r) - t.data);
  };
  for (int64_t r = 0; r < from.rows(); ++r) {
    const T* source = row(from, r);
    T* target = row(to, r);
    for (int i = 0; i < from.width(); ++i) {
      target[i] = source[i * step];
    }
  }
}

void copy_into_rows(const Tensor& from, const Tensor& to) {
  if (from.item_bytes == 2) {
    return copy_items<uint16_t>(from, to);
  }
  copy_items<float>(from, to);
}

class Node : public mx::Primitive {
 public:
  Node(mx::Stream stream, Kernel kernel, std::vector<Output> outputs)
      : Primitive(stream),
        kernel_(std::move(kernel)),
        outputs_(std::move(outputs)) {}

  void eval_cpu(
      const std::vector<mx::array>& inputs,
      std::vector<mx::array>& outputs) override {
    if (inputs.empty()) { // cleared below, in a call that ran out of memory
      throw std::runtime_error("[kernels] evaluated again after it failed.");
    }
    auto& encoder = mx::cpu::get_command_encoder(stream());
    Tensors in, out;
    std::vector<std::pair<Tensor, Tensor>> copies;
    for (const mx::array& input : inputs) {
      in.push_back(tensor_of(input));
      if (!fits(input)) {
        mx::array copy(input.shape(), input.dtype(), nullptr, {});
        copy.set_data(mx::allocator::malloc(copy.nbytes()));
        copies.emplace_back(in.back(), tensor_of(copy));
        in.back() = tensor_of(copy);
        encoder.add_temporary(std::move(copy));
      }
    }
    // Each output refers to the inputs. Only one of them may, or no input could
    // give its memory away.
    for (mx::array& output : outputs) {
      if (&output.inputs() != &inputs && !output.is_tracer()) {
        output.inputs().clear();
      }
    }
    for (size_t i = 0; i < outputs.size(); ++i) {
      allocate(outputs[i], outputs_[i], inputs);
      out.push_back(tensor_of(outputs[i]));
    }
    encoder.dispatch([run = kernel_.run,
                      copies = std::move(copies),
                      in = std::move(in),
                      out = std::move(out)] {
      for (const auto& [from, to] : copies) {
        copy_into_rows(from, to);
      }
      run(in, out);
    });
  }

  void eval_gpu(const std::vector<mx::array>&, std::vector<mx::array>&)
      override {
    throw std::logic_error("[kernels] made for the CPU, but run on a GPU.");
  }

  std::vector<mx::array> vjp(
      const std::vector<mx::array>& primals,
      const std::vector<mx::array>& cotangents,
      const std::vector<int>& argnums,
      const std::vector<mx::array>& outputs) override {
    if (!kernel_.vjp) {
      const Function plain = plain_of(primals, argnums);
      return mx::vjp(plain, pick(primals, argnums), cotangents).second;
    }
    return pick(kernel_.vjp(primals, cotangents, outputs), argnums);
  }

  std::vector<mx::array> jvp(
      const std::vector<mx::array>& primals,
      const std::vector<mx::array>& tangents,
      const std::vector<int>& argnums) override {
    const Function plain = plain_of(primals, argnums);
    return mx::jvp(plain, pick(primals, argnums), tangents).second;
  }

  std::pair<std::vector<mx::array>, std::vector<int>> vmap(
      const std::vector<mx::array>& inputs,
      const std::vector<int>& axes) override {
    std::vector<mx::array> mapped = mx::vmap(kernel_.plain, axes)(inputs);
    return {mapped, std::vector<int>(mapped.size(), 0)};
  }

  const char* name() const override {
    return kernel_.name;
  }

  bool is_equivalent(const mx::Primitive& other) const override {
    const auto& that = static_cast<const Node&>(other);
    return std::string_view(kernel_.name) == that.kernel_.name &&
        kernel_.settings == that.kernel_.settings;
  }

 private:
  bool fits(const mx::array& input) const {
    switch (kernel_.accepts) {
      case Accepts::any_strides:
        return true;
      case Accepts::row_gaps:
        return input.flags().row_contiguous || rows_without_gaps(input);
      case Accepts::rows:
        break;
    }
    return input.flags().row_contiguous;
  }

  static std::vector<mx::array> pick(
      const std::vector<mx::array>& from,
      const std::vector<int>& indices) {
    std::vector<mx::array> out;
    for (const int i : indices) {
      out.push_back(from[i]);
    }
    return out;
  }

  /** `plain` as a function of some inputs alone; the others stay as they are.
   * Some, such as class numbers, have no derivative. */
  Function plain_of(
      const std::vector<mx::array>& inputs,
      const std::vector<int>& moving) const {
    return [&, inputs](const std::vector<mx::array>& values) {
      std::vector<mx::array> all = inputs;
      for (size_t i = 0; i < moving.size(); ++i) {
        all[moving[i]] = values[i];
      }
      return kernel_.plain(all);
    };
  }

  static void allocate(
      mx::array& array,
      const Output& output,
      const std::vector<mx::array>& inputs) {
    if (output.donor >= 0) {
      const mx::array& donor = inputs[output.donor];
      if (donor.is_donatable() && donor.flags().row_contiguous) {
        array.copy_shared_buffer(donor);
        return;
      }
    }
    auto memory = mx::allocator::malloc(array.nbytes());
    mx::Strides strides = row_strides(array.shape());
    const mx::array& first = inputs[0];
    if (output.layout == Layout::heads) {
      const int H = array.shape(1), L = array.shape(2), D = array.shape(3);
      strides = {int64_t{L} * H * D, D, int64_t{H} * D, 1};
    } else if (
        output.layout == Layout::as_first && first.flags().contiguous &&
        first.data_size() == first.size() && rows_without_gaps(first)) {
      strides = first.strides();
    }
    const bool in_rows = strides == row_strides(array.shape());
    array.set_data(
        std::move(memory),
        array.size(),
        strides,
        {.contiguous = true,
         .row_contiguous = in_rows,
         .col_contiguous = in_rows && array.size() <= 1});
  }

  Kernel kernel_;
  std::vector<Output> outputs_;
};

} // namespace

std::vector<mx::array> make_node(
    Kernel kernel,
    const std::vector<mx::array>& inputs,
    const std::vector<Output>& outputs) {
  std::vector<mx::Shape> shapes;
  for (const Output& output : outputs) {
    shapes.push_back(output.shape);
  }
  return mx::array::make_arrays(
      std::move(shapes),
      std::vector<mx::Dtype>(outputs.size(), mx::float32),
      std::make_shared<Node>(
          mx::default_stream(mx::default_device()), std::move(kernel), outputs),
      inputs);
}

Function plain_gradient(Function plain, size_t inputs) {
  return [plain = std::move(plain),
          inputs](const std::vector<mx::array>& in) -> std::vector<mx::array> {
    const std::vector<mx::array> primals(in.begin(), in.begin() + inputs);
    const std::vector<mx::array> cotangents(in.begin() + inputs, in.end());
    return mx::vjp(plain, primals, cotangents).second;
  };
}

} // namespace llm::kernels
