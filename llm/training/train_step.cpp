// SPDX-License-Identifier: MIT

#include "llm/training/train_step.h"

#include <cmath>
#include <optional>

#include <mlx/compile.h>
#include <mlx/ops.h>
#include <mlx/random.h>

#include "llm/core/error.h"
#include "llm/core/random.h"
#include "llm/kernels/cuda_update.h"
#include "llm/kernels/kernels.h"
#include "llm/nn/matmul.h"

namespace llm {

namespace {

void append(std::vector<mx::array>& out, const nn::Parameters& arrays) {
  for (const auto& [name, array] : arrays) {
    out.push_back(array);
  }
}

// The next arrays of `it`, named like `names`.
nn::Parameters take(
    std::vector<mx::array>::const_iterator& it,
    const nn::Parameters& names) {
  nn::Parameters out;
  for (const auto& [name, unused] : names) {
    out.emplace(name, *it++);
  }
  return out;
}

nn::Parameters combine(
    const nn::Parameters& a,
    const nn::Parameters& b,
    mx::array (*f)(const mx::array&, const mx::array&)) {
  nn::Parameters out;
  for (const auto& [name, array] : a) {
    out.emplace(name, f(array, b.at(name)));
  }
  return out;
}

bool on_gpu() {
  return mx::default_device() == mx::Device::gpu;
}

bool on_cuda() {
  return kernels::built && kernels::on_cuda();
}

/** All at once; gradients then have that type, too. */
nn::Parameters cast(nn::Parameters parameters, mx::Dtype type) {
  if constexpr (kernels::built) {
    std::vector<mx::array> from;
    for (const auto& [name, array] : parameters) {
      if (array.dtype() == mx::float32 && type == mx::bfloat16) {
        from.push_back(array);
      }
    }
    const std::vector<mx::array> to = kernels::cuda_cast(from);
    auto it = to.begin();
    for (auto& [name, array] : parameters) {
      if (array.dtype() == mx::float32 && type == mx::bfloat16) {
        array = *it++;
      }
    }
  }
  return parameters;
}

/** Sums of several micro-batches are float32. */
mx::array exact(const mx::array& gradient, size_t micro_batches) {
  return micro_batches > 1 ? mx::astype(gradient, mx::float32) : gradient;
}

/** Gives the model back its arrays: it must not keep tracers. */
class Restore {
 public:
  explicit Restore(LanguageModel& model)
      : model_(model), saved_(model.parameters()) {}
  ~Restore() {
    model_.assign(saved_);
    model_.set_dropout_key(std::nullopt);
  }

 private:
  LanguageModel& model_;
  nn::Parameters saved_;
};

} // namespace

TrainStep::TrainStep(
    LanguageModel& model,
    OptimizerConfig optimizer,
    float clip,
    mx::Dtype compute,
    const nn::PathFilter& trainable,
    TrainLoss loss)
    : model_(model),
      optimizer_(std::move(optimizer)),
      clip_(clip),
      compute_(compute),
      loss_(std::move(loss)),
      names_(nn::select(model.parameters(), trainable)),
      state_names_(optimizer_.init(names_)) {
  if (on_gpu() && compute_ != mx::float32) {
    // Beside float32 all the rest would be computed in float32, too.
    for (const auto& [name, array] : model_.parameters()) {
      const bool half = mx::issubdtype(array.dtype(), mx::floating) &&
          array.dtype() != compute_;
      if (!names_.contains(name) && half) {
        frozen_.emplace(name, mx::astype(array, compute_));
        mx::eval(frozen_.at(name));
      }
    }
  }
  compiled_gradients_ =
      mx::compile(Function([this](const auto& in) { return gradients(in); }));
  compiled_update_ =
      mx::compile(Function([this](const auto& in) { return update(in); }));
}

nn::Parameters TrainStep::trained() const {
  const nn::Parameters all = model_.parameters();
  nn::Parameters out;
  for (const auto& [name, unused] : names_) {
    out.emplace(name, all.at(name));
  }
  return out;
}

// in: parameters, the batch's arrays, dropout key. out: loss, gradients.
std::vector<mx::array> TrainStep::gradients(
    const std::vector<mx::array>& in) const {
  auto it = in.begin();
  const nn::Parameters parameters = take(it, names_);
  const std::vector<mx::array> batch(it, in.end() - 1);
  const mx::array key = in.back();
  const Restore restore(model_);
  // On a CPU bfloat16 pays in products alone; elsewhere in everything.
  const bool products = compute_ == mx::bfloat16 && nn::has_bf16_products();
  std::optional<nn::Bf16Products> in_bf16;
  if (products) {
    in_bf16.emplace();
  }
  const mx::Dtype type = products ? mx::float32 : compute_;
  auto loss = [&](const nn::Parameters& p) {
    nn::Parameters values = p;
    values.insert(frozen_.begin(), frozen_.end());
    for (auto& [name, array] : values) {
      array = mx::astype(array, type); // nothing to do where it is that already
    }
    model_.assign(values);
    model_.set_dropout_key(key);
    return std::vector<mx::array>{loss_(model_, batch)};
  };
  const nn::ValueAndGrad result =
      nn::value_and_grad(loss, on_cuda() ? cast(parameters, type) : parameters);
  std::vector<mx::array> out = {result.values[0]};
  append(out, result.grads);
  return out;
}

// in: parameters, gradients, optimizer state, lr, step, sum of the losses.
// out: gradient norm, parameters, optimizer state.
std::vector<mx::array> TrainStep::update(
    const std::vector<mx::array>& in) const {
  auto it = in.begin();
  const nn::Parameters parameters = take(it, names_);
  const nn::Parameters grads = take(it, names_);
  const nn::Parameters state = take(it, state_names_);
  const mx::array lr = *it++, step = *it++, loss = *it++;
  const mx::array norm = global_norm(grads);
  std::optional<mx::array> scale;
  if (clip_ > 0) {
    scale = clip_scale(clip_, norm);
  }
  std::optional<mx::array> good;
  if (on_gpu()) { // nobody waits to look at the numbers before the next update
    good = mx::logical_and(mx::isfinite(loss), mx::isfinite(norm));
  }
  const OptimizerStep next =
      optimizer_.step(parameters, grads, state, lr, step, scale, good);
  std::vector<mx::array> out = {norm};
  append(out, next.params);
  append(out, next.state);
  return out;
}

namespace {

/** How much the mean of each micro-batch counts: 1 when all are alike. */
std::vector<float> weights_of(const std::vector<TrainBatch>& micro_batches) {
  double total = 0;
  for (const TrainBatch& batch : micro_batches) {
    total += static_cast<double>(batch.weight);
  }
  const auto count = static_cast<double>(micro_batches.size());
  std::vector<float> out;
  for (const TrainBatch& batch : micro_batches) {
    out.push_back(static_cast<float>(batch.weight * count / total));
  }
  return out;
}

} // namespace

StepOutput TrainStep::operator()(
    const TrainState& state,
    const std::vector<TrainBatch>& micro_batches,
    int64_t step,
    float lr,
    uint64_t dropout_key) const {
  return finish(start(state, micro_batches, step, lr, dropout_key));
}

PendingStep TrainStep::start(
    const TrainState& state,
    const std::vector<TrainBatch>& micro_batches,
    int64_t step,
    float lr,
    uint64_t dropout_key) const {
  const auto count = static_cast<float>(micro_batches.size());
  const std::vector<float> weights = weights_of(micro_batches);
  nn::Parameters grads;
  std::vector<mx::array> losses;
  for (size_t i = 0; i < micro_batches.size(); ++i) {
    std::vector<mx::array> in;
    append(in, state.parameters);
    const std::vector<mx::array>& batch = micro_batches[i].arrays;
    in.insert(in.end(), batch.begin(), batch.end());
    in.push_back(mx::random::key(mix64(dropout_key + i)));
    std::vector<mx::array> result = compiled_gradients_(in);
    if (weights[i] != 1.0f) {
      for (mx::array& mean : result) {
        mean = mx::multiply(mean, mx::array(weights[i]));
      }
    }
    losses.push_back(result[0]);
    auto it = result.cbegin() + 1;
    nn::Parameters part = take(it, names_);
    for (auto& [name, grad] : part) {
      grad = exact(grad, micro_batches.size());
    }
    grads = grads.empty()
        ? part
        : combine(grads, part, [](auto& a, auto& b) { return mx::add(a, b); });
    if (micro_batches.size() > 1) {
      std::vector<mx::array> sum = {result[0]}; // one batch in memory at a time
      append(sum, grads);
      mx::eval(sum);
    }
  }
  for (auto& [name, grad] : grads) {
    grad = count > 1 ? mx::divide(grad, mx::array(count)) : grad;
  }
  std::vector<mx::array> in;
  append(in, state.parameters);
  append(in, grads);
  append(in, state.optimizer);
  in.push_back(mx::array(lr));
  in.push_back(mx::array(static_cast<float>(step + 1)));
  mx::array sum = losses[0];
  for (size_t i = 1; i < losses.size(); ++i) {
    sum = mx::add(sum, losses[i]);
  }
  in.push_back(sum);
  std::vector<mx::array> result = compiled_update_(in);
  auto it = result.cbegin() + 1;
  PendingStep out{{}, result[0], losses, {}, step};
  out.state.parameters = take(it, names_);
  out.state.optimizer = take(it, state_names_);
  result.insert(result.end(), losses.begin(), losses.end());
  if (on_gpu()) {
    mx::async_eval(result);
  } else {
    out.grads = grads;
    mx::eval(result);
  }
  return out;
}

StepOutput TrainStep::finish(PendingStep pending) const {
  StepOutput out;
  for (mx::array& loss : pending.losses) {
    out.loss += loss.item<float>() / static_cast<float>(pending.losses.size());
  }
  out.grad_norm = pending.norm.item<float>();
  require_finite(out.loss, out.grad_norm, pending.grads, pending.step);
  out.state = std::move(pending.state);
  return out;
}

void TrainStep::require_finite(
    double loss,
    double norm,
    const nn::Parameters& grads,
    int64_t step) const {
  if (std::isfinite(loss) && std::isfinite(norm)) {
    return;
  }
  std::string tensor = "the loss";
  for (const auto& [name, grad] : grads) {
    if (!mx::all(mx::isfinite(grad)).item<bool>()) {
      tensor += " or the gradient of " + name;
      break;
    }
  }
  throw NumericError(
      "train",
      "step " + std::to_string(step + 1) + ": " + tensor +
          " is not finite (loss " + std::to_string(loss) +
          "), so this update was not made; lower --lr or set --clip, and go on "
          "with --resume.");
}

} // namespace llm
