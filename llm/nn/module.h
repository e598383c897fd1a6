// SPDX-License-Identifier: MIT
//
// What makes a struct a layer: one static function that lists its members.
//
//   static void visit(auto& self, auto&& f) {
//     f("weight", self.weight);
//     f("bias", self.bias);
//   }
//
// There is no base class. Everything that needs "all parameters" (count, save,
// load, gradients, optimizers) is one walk over these lists, and the names on
// the way ("h.0.attn.c_attn.weight") are the names in the saved file.
// A member that visit() does not list is not a parameter.

#pragma once

#include <concepts>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include <mlx/array.h>
#include <mlx/transforms.h>

namespace mx = mlx::core;

namespace llm::nn {

/** Arrays by path. Ordered, so that every walk has the same order. */
using Parameters = std::map<std::string, mx::array>;

/** Decides by path which parameters a function applies to. */
using PathFilter = std::function<bool(const std::string&)>;

// [snippet module-concept]
template <class T>
concept Module = requires(T& node) { T::visit(node, [](auto, auto&) {}); };
// [/snippet]

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

inline std::string join(const std::string& path, std::string_view name) {
  return path.empty() ? std::string(name) : path + "." + std::string(name);
}

/** Calls f(path, leaf) for every Leaf below `node`, in visit() order. */
template <class Leaf, class Node, class F>
void for_each(Node& node, F&& f, const std::string& path = "") {
  using T = std::remove_const_t<Node>;
  if constexpr (std::same_as<T, Leaf>) {
    f(path, node);
  } else if constexpr (is_optional<T>) {
    if (node) {
      for_each<Leaf>(*node, f, path);
    }
  } else if constexpr (is_vector<T>) {
    for (size_t i = 0; i < node.size(); ++i) {
      for_each<Leaf>(node[i], f, join(path, std::to_string(i)));
    }
  } else if constexpr (Module<T>) {
    T::visit(node, [&](std::string_view name, auto& child) {
      for_each<Leaf>(child, f, join(path, name));
    });
  } else {
    static_assert(
        std::same_as<T, mx::array>,
        "visit() listed neither an array nor a module");
  }
}

/** All arrays of the model by path. Cheap: arrays are shared handles. */
template <class Model>
Parameters parameters(const Model& model) {
  Parameters out;
  for_each<mx::array>(model, [&](const std::string& path, const mx::array& a) {
    out.insert_or_assign(path, a);
  });
  return out;
}

/** Throws InputError with the first ten missing, unexpected or misshapen names
 * (loading a file is the usual caller, and its user needs the list). */
void check_same_names_and_shapes(
    const Parameters& expected,
    const Parameters& received,
    std::string_view where);

/** Puts arrays back into the model by path, whatever their number. */
template <class Model>
void assign(Model& model, const Parameters& values) {
  for_each<mx::array>(model, [&](const std::string& path, mx::array& a) {
    if (auto it = values.find(path); it != values.end()) {
      a = it->second;
    }
  });
}

/** Replaces every array of the model: names and shapes must be the same. */
template <class Model>
void update(
    Model& model,
    const Parameters& values,
    std::string_view where = "update") {
  check_same_names_and_shapes(parameters(model), values, where);
  assign(model, values);
}

/** The number of scalar parameters. */
int64_t count(const Parameters& parameters);

/** The parameters whose path `filter` accepts and that have gradients
 * (floating point). */
Parameters select(const Parameters& all, const PathFilter& filter);

inline bool everything(const std::string&) {
  return true;
}

/** Outputs of a loss function and its gradients. */
struct ValueAndGrad {
  std::vector<mx::array> values; ///< [0] is the scalar loss; others as returned
  Parameters grads; ///< by path, shapes of the trainable parameters
};

/**
 * The loss and the gradient of its first output with respect to `trainable`.
 *
 * `loss` receives parameters to use in place of the model's own (tracers) and
 * returns the scalar loss first; outputs after it are passed through without a
 * gradient. Throws UsageError when `trainable` is empty.
 */
ValueAndGrad value_and_grad(
    const std::function<std::vector<mx::array>(const Parameters&)>& loss,
    const Parameters& trainable);

/** Restores the arrays of a model at the end of a scope, also after a throw:
 * a model that was given tracers must not keep them. */
template <class Model>
class RestoreParameters {
 public:
  explicit RestoreParameters(Model& model)
      : model_(model), saved_(parameters(model)) {}
  ~RestoreParameters() {
    assign(model_, saved_);
  }
  RestoreParameters(const RestoreParameters&) = delete;
  RestoreParameters& operator=(const RestoreParameters&) = delete;

 private:
  Model& model_;
  Parameters saved_;
};

} // namespace llm::nn
