// SPDX-License-Identifier: MIT
//
// The same model on the GPU and on the CPU: logits, loss and all gradients for
// the first tokens of a text, in float32 and in bfloat16. Prints one line of
// JSON with the distances |a - b| / |b| to what MLX's operations give in
// float64 on the CPU; the CPU's own float32 is there to compare with (a
// reference BLAS adds up thousands of numbers one after the other).
// gpu_parity.py runs it, with MLX_ENABLE_TF32=0.

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <mlx/ops.h>
#include <mlx/transforms.h>
#include <CLI/CLI.hpp>

#include "llm/core/error.h"
#include "llm/core/files.h"
#include "llm/core/json.h"
#include "llm/core/program.h"
#include "llm/models/usable_model.h"
#include "llm/nn/backend.h"
#include "llm/nn/module.h"
#include "llm/training/pretraining.h"

namespace llm {

struct Numbers {
  mx::array logits, loss;
  nn::Parameters gradients; // none of a packed model
};

bool is_float(const mx::array& a) {
  return mx::issubdtype(a.dtype(), mx::floating);
}

Numbers compute(
    const std::string& name,
    const std::string& text,
    int tokens,
    mx::Dtype type) {
  const UsableModel use = load_usable(name);
  LanguageModel& model = *use.model;
  nn::Parameters parameters = model.parameters();
  for (auto& [path, array] : parameters) {
    array = is_float(array) ? mx::astype(array, type) : array;
  }
  model.assign(parameters);
  std::vector<int32_t> ids = use.tokenizer->encode(text);
  if (static_cast<int>(ids.size()) <= tokens) {
    throw InputError("compare", "expected a longer --text; give one.");
  }
  const mx::array x(ids.data(), {1, tokens}, mx::int32);
  const mx::array y(ids.data() + 1, {1, tokens}, mx::int32);
  Numbers out{model.logits(x), next_token_loss(model, {x, y}), {}};
  if (model.quantization().empty()) {
    const auto loss = [&](const nn::Parameters& p) {
      model.assign(p);
      return std::vector<mx::array>{next_token_loss(model, {x, y})};
    };
    out.gradients = nn::value_and_grad(loss, parameters).grads;
    model.assign(parameters);
  }
  std::vector<mx::array> all = {out.logits, out.loss};
  for (const auto& [path, gradient] : out.gradients) {
    all.push_back(gradient);
  }
  mx::eval(all);
  return out;
}

double squares(const mx::array& a) {
  return mx::sum(mx::square(a)).item<float>();
}

struct Distance {
  double difference = 0, size = 0;

  void add(const mx::array& a, const mx::array& b) {
    const mx::array x = mx::astype(a, mx::float32);
    const mx::array y = mx::astype(b, mx::float32);
    difference += squares(mx::subtract(x, y));
    size += squares(y);
  }
  double value() const {
    return size > 0 ? std::sqrt(difference / size) : 0;
  }
};

Json distances(const Numbers& a, const Numbers& b) {
  Distance logits, loss, gradients;
  logits.add(a.logits, b.logits);
  loss.add(a.loss, b.loss);
  double worst = 0;
  for (const auto& [path, gradient] : a.gradients) {
    Distance one;
    one.add(gradient, b.gradients.at(path));
    gradients.add(gradient, b.gradients.at(path));
    worst = std::max(worst, one.value());
  }
  Json out = {{"logits", logits.value()}, {"loss", loss.value()}};
  if (!a.gradients.empty()) {
    out["gradients"] = gradients.value();
    out["worst_gradient"] = worst;
  }
  return out;
}

} // namespace llm

int main(int argc, char** argv) {
  return llm::run_program("gpu_compare", [&] {
    std::string model, text;
    int tokens = 64;
    CLI::App app{"A model on the CPU and on the GPU."};
    app.add_option("--model", model, "folder or GGUF file")->required();
    app.add_option("--text", text, "file")->required();
    app.add_option("--tokens", tokens)->check(CLI::Range(1, 4096));
    try {
      app.parse(argc, argv);
    } catch (const CLI::Success& help) {
      return app.exit(help);
    } catch (const CLI::ParseError& error) {
      throw llm::UsageError(
          "options", std::string(error.what()) + "; see --help.");
    }
    const std::string words = llm::read_file(text);
    using namespace mlx::core;
    const auto on_text = [&](Dtype type) {
      return llm::compute(model, words, tokens, type);
    };
    llm::start_mlx("gpu");
    const auto single = on_text(float32), half = on_text(bfloat16);
    llm::start_mlx("cpu");
    const auto exact = on_text(float64), cpu = on_text(float32);
    const llm::Json said = {
        {"fp32", llm::distances(single, exact)},
        {"bf16", llm::distances(half, exact)},
        {"cpu_fp32", llm::distances(cpu, exact)}};
    std::cout << said.dump() << "\n";
    return 0;
  });
}
