// SPDX-License-Identifier: MIT
//
// Topic 6 against PyTorch: the loss of GPT-2, ten updates of torch.optim.AdamW,
// and a regression that torch.optim.SGD and clip_grad_norm_ trained.

#include "exercises/include/training.h"

#include "exercises/tests/expect_array.h"
#include "exercises/tests/golden.h"

using ex::Arrays;
using ex::expect_near;

namespace {

/** Ten updates as torch.optim made them, in tests/golden/optimizers. */
void expect_adamw(const std::string& path, float weight_decay, int updates) {
  const auto read = [&](const std::string& prefix) {
    return ex::golden(prefix + "." + path, "optimizers");
  };
  const ex::AdamW config = {.lr = 0.01f, .weight_decay = weight_decay};
  mx::array p = read("param");
  ex::Moments moments{mx::zeros_like(p), mx::zeros_like(p)};
  for (int step = 1; step <= updates; ++step) {
    const mx::array gradient = mx::take(read("grad"), step - 1, 0);
    p = ex::adamw(p, gradient, moments, step, config);
    expect_near(
        "adamw after step " + ex::text(step),
        p,
        mx::take(read("adamw"), step - 1, 0),
        1e-6);
  }
}

/** A straight line: the mean of (x w + b - y)^2 on the batch of the step. */
mx::array squared_error(const Arrays& p, int step) {
  const mx::array x = mx::take(ex::golden("train.x"), step - 1, 0); // [N, 3]
  const mx::array y = mx::take(ex::golden("train.y"), step - 1, 0); // [N, 2]
  return mx::mean(mx::square(mx::matmul(x, p[0]) + p[1] - y));
}

Arrays sgd(const Arrays& parameters, const Arrays& gradients, int) {
  Arrays out;
  for (size_t i = 0; i < parameters.size(); ++i) {
    out.push_back(parameters[i] - 0.1f * gradients.at(i));
  }
  return out;
}

Arrays start() {
  return {ex::golden("train.w"), ex::golden("train.b")};
}

/** "clipped": longest gradient 1; "free": as long as they are. */
void expect_losses(const std::string& name, float max_norm) {
  Arrays parameters = start();
  const std::vector<float> got =
      ex::train(parameters, squared_error, sgd, 8, max_norm);
  const std::vector<float> want =
      ex::values(ex::golden("train.losses_" + name));
  ex::expect(
      "train: expected 8 losses but received " +
          ex::text(static_cast<int>(got.size())),
      got.size() == 8);
  for (size_t i = 0; i < want.size(); ++i) {
    expect_near(
        "the loss of step " + ex::text(static_cast<int>(i + 1)),
        got[i],
        want[i],
        1e-5);
  }
  expect_near("w at the end", parameters.at(0), ex::golden("train.w_" + name));
  expect_near("b at the end", parameters.at(1), ex::golden("train.b_" + name));
}

} // namespace

TEST_CASE("6.1 cross_entropy: as PyTorch's, the mean over all tokens") {
  expect_near(
      "the loss of GPT-2 on [3, 16] tokens",
      ex::cross_entropy(
          ex::golden("logits", "gpt2/expected"),
          ex::golden("targets", "gpt2/expected")),
      mx::reshape(ex::golden("loss", "gpt2/expected"), {}));
}

TEST_CASE("6.1 cross_entropy: log(V) if all scores are equal") {
  const mx::array targets({0, 4}, {2}, mx::int32);
  expect_near(
      "the loss of even scores",
      ex::cross_entropy(mx::full({2, 5}, 3.0f), targets),
      mx::array(std::log(5.0f)));
}

TEST_CASE("6.1 cross_entropy: a probability that rounds to 0 is not infinite") {
  const mx::array logits({0.0f, 1000.0f}, {1, 2});
  expect_near(
      "the loss of target 0 with the scores [0, 1000]",
      ex::cross_entropy(logits, mx::array({0}, {1}, mx::int32)),
      mx::array(1000.0f));
}

TEST_CASE("6.1 cross_entropy: the score of the target, not another one") {
  const mx::array logits({0.0f, std::log(3.0f)}, {1, 2});
  expect_near(
      "the loss of target 1 with the probabilities [1/4, 3/4]",
      ex::cross_entropy(logits, mx::array({1}, {1}, mx::int32)),
      mx::array(std::log(4 / 3.0f)));
}

TEST_CASE("6.2 adamw: the first step is corrected (m^ and v^, step from 1)") {
  expect_adamw("h.0.bias", 0, 1);
}

TEST_CASE("6.2 adamw: the moments are kept from step to step") {
  expect_adamw("h.0.bias", 0, 10);
}

TEST_CASE("6.2 adamw: the decay is apart from the gradient (not L2)") {
  expect_adamw("h.0.weight", 0.1f, 10);
}

TEST_CASE("6.2 adamw: eps is outside of the root") {
  const mx::array p({1.0f}), gradient({1e-4f});
  ex::Moments moments{mx::zeros({1}), mx::zeros({1})};
  const ex::AdamW config = {.lr = 0.5f, .eps = 1e-4f, .weight_decay = 0};
  // m^ = g and v^ = g^2: half of the way, 1 - 0.5 g / (g + eps).
  expect_near(
      "adamw of a gradient as small as eps",
      ex::adamw(p, gradient, moments, 1, config),
      mx::array({0.75f}));
}

TEST_CASE("6.2 adamw: a gradient of zero moves nothing but the decay") {
  const mx::array p({2.0f}), gradient({0.0f});
  ex::Moments moments{mx::zeros({1}), mx::zeros({1})};
  const ex::AdamW config = {.lr = 0.5f, .weight_decay = 0.1f};
  expect_near(
      "adamw of a gradient of 0",
      ex::adamw(p, gradient, moments, 1, config),
      mx::array({1.9f}));
}

TEST_CASE("6.3 train: losses and weights of PyTorch, nothing to clip") {
  expect_losses("free", 1e9f);
}

TEST_CASE("6.3 train: losses and weights of PyTorch, gradients clipped") {
  expect_losses("clipped", 1);
}

TEST_CASE("6.3 train: the loss before the update comes back") {
  Arrays parameters = {mx::array({3.0f})};
  const auto square = [](const Arrays& p, int) {
    return mx::sum(mx::square(p[0]));
  };
  const auto losses = ex::train(parameters, square, sgd, 1, 1e9f);
  ex::expect("train: expected 1 loss", losses.size() == 1);
  expect_near("the loss of step 1", losses[0], 9, 1e-6);
}

TEST_CASE("6.3 train: one length for all gradients together") {
  Arrays parameters = {mx::array({0.0f}), mx::array({0.0f, 0.0f})};
  const auto line = [](const Arrays& p,
                       int) { // gradients 3, [4, 12]: length 13
    return 3.0f * mx::sum(p[0]) + mx::sum(p[1] * mx::array({4.0f, 12.0f}));
  };
  ex::train(parameters, line, sgd, 1, 1.3f);
  expect_near("the first", parameters.at(0), mx::array({-0.03f}));
  expect_near("the second", parameters.at(1), mx::array({-0.04f, -0.12f}));
}

TEST_CASE("6.3 train: short gradients are not stretched to max_norm") {
  Arrays parameters = {mx::array({0.0f})};
  const auto line = [](const Arrays& p, int) { return 2.0f * mx::sum(p[0]); };
  ex::train(parameters, line, sgd, 1, 100);
  expect_near("the parameter", parameters.at(0), mx::array({-0.2f}));
}

TEST_CASE("6.3 train: loss and update hear of the steps 1, 2, 3") {
  std::vector<int> batches, updates;
  Arrays parameters = {mx::array({1.0f})};
  ex::train(
      parameters,
      [&](const Arrays& p, int step) {
        batches.push_back(step);
        return mx::sum(p[0]);
      },
      [&](const Arrays& p, const Arrays&, int step) {
        updates.push_back(step);
        return p;
      },
      3,
      1);
  const std::vector<int> want = {1, 2, 3};
  ex::expect_equal("the steps of update", updates, want);
  batches.erase(std::unique(batches.begin(), batches.end()), batches.end());
  ex::expect_equal("the steps of loss", batches, want);
}
