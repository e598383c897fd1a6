// SPDX-License-Identifier: MIT

#include "llm/nn/module.h"

#include <sstream>

#include <mlx/ops.h>
#include <mlx/utils.h>

#include "llm/core/error.h"

namespace llm::nn {

namespace {

/** Collects lines of a list and remembers how many did not fit. */
class FirstTen {
 public:
  void add(const std::string& line) {
    if (++count_ <= 10) {
      text_ += (text_.empty() ? "" : ", ") + line;
    }
  }
  std::string text(const std::string& title) const {
    if (count_ == 0) {
      return "";
    }
    const std::string rest =
        count_ > 10 ? ", and " + std::to_string(count_ - 10) + " more" : "";
    return " " + title + ": " + text_ + rest + ";";
  }
  bool empty() const {
    return count_ == 0;
  }

 private:
  std::string text_;
  int count_ = 0;
};

std::string to_text(const mx::Shape& shape) {
  std::ostringstream out;
  out << shape;
  return out.str();
}

} // namespace

void check_same_names_and_shapes(
    const Parameters& expected,
    const Parameters& received,
    std::string_view where) {
  FirstTen missing, unexpected, misshapen;
  for (const auto& [name, array] : expected) {
    const auto it = received.find(name);
    if (it == received.end()) {
      missing.add(name);
    } else if (it->second.shape() != array.shape()) {
      misshapen.add(
          name + " expected " + to_text(array.shape()) + " but received " +
          to_text(it->second.shape()));
    }
  }
  for (const auto& [name, array] : received) {
    if (!expected.contains(name)) {
      unexpected.add(name);
    }
  }
  if (missing.empty() && unexpected.empty() && misshapen.empty()) {
    return;
  }
  std::string message =
      "the tensors do not fit the model:" + missing.text("missing") +
      unexpected.text("unexpected") + misshapen.text("wrong shape");
  message.pop_back();
  throw InputError(where, message + "; check that config.json belongs to it.");
}

int64_t count(const Parameters& parameters) {
  int64_t total = 0;
  for (const auto& [path, array] : parameters) {
    total += static_cast<int64_t>(array.size());
  }
  return total;
}

Parameters select(const Parameters& all, const PathFilter& filter) {
  Parameters out;
  for (const auto& [path, array] : all) {
    if (mx::issubdtype(array.dtype(), mx::floating) && filter(path)) {
      out.emplace(path, array);
    }
  }
  return out;
}

ValueAndGrad value_and_grad(
    const std::function<std::vector<mx::array>(const Parameters&)>& loss,
    const Parameters& trainable) {
  if (trainable.empty()) {
    throw UsageError(
        "value_and_grad",
        "expected at least one trainable parameter but received none; check "
        "the filter that selects them.");
  }
  std::vector<mx::array> values;
  std::vector<int> argnums;
  for (const auto& [path, array] : trainable) {
    argnums.push_back(static_cast<int>(values.size()));
    values.push_back(array);
  }
  auto on_vector = [&](const std::vector<mx::array>& inputs) {
    Parameters tracers;
    size_t i = 0;
    for (const auto& [path, array] : trainable) {
      tracers.emplace(path, inputs[i++]);
    }
    return loss(tracers);
  };
  auto [outputs, grads] = mx::value_and_grad(on_vector, argnums)(values);
  ValueAndGrad result{std::move(outputs), {}};
  size_t i = 0;
  for (const auto& [path, array] : trainable) {
    result.grads.emplace(path, grads[i++]);
  }
  return result;
}

} // namespace llm::nn
