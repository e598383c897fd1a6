// SPDX-License-Identifier: MIT
//
// llm_live: our models as a Python function, so that a test can give the same
// mx.array weights to them and to mlx.nn in one process. The module shares the
// type mlx.core.array with MLX's own extension (same nanobind, domain "mlx").

#include <map>
#include <string>
#include <tuple>

#include <nanobind/nanobind.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include "llm/core/json.h"
#include "llm/models/language_model.h"
#include "llm/nn/loss.h"

namespace nb = nanobind;

namespace {

using Arrays = std::map<std::string, mx::array>;

/** Logits [B, L, V], mean cross entropy and its gradient by parameter name. */
std::tuple<mx::array, mx::array, Arrays> run(
    const std::string& config,
    const Arrays& weights,
    const mx::array& tokens,
    const mx::array& targets) {
  const auto model = llm::make_model(llm::parse_json(config, "config"));
  model->update(weights, "weights");
  const mx::array logits = model->logits(tokens);
  auto loss = [&](const llm::nn::Parameters& p) {
    model->assign(p);
    return std::vector<mx::array>{
        llm::nn::cross_entropy(model->logits(tokens), targets)};
  };
  const llm::nn::ValueAndGrad result = llm::nn::value_and_grad(loss, weights);
  return {logits, result.values[0], result.grads};
}

} // namespace

NB_MODULE(llm_live, m) {
  nb::module_::import_("mlx.core"); // registers mx.array
  m.def("run", &run);
}
