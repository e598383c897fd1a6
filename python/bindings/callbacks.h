// SPDX-License-Identifier: MIT
//
// How Python watches a training run.

#pragma once

#include <functional>
#include <string>

#include "llm/training/trainer.h"
#include "python/bindings/bindings.h"

namespace llm::python {

/** Gets each step; False stops the run. */
using OnStep = std::function<nb::object(const StepRecord&)>;
/** The text that the model writes at a step. */
using OnSample = std::function<std::string(int64_t)>;

/** Refers to its arguments; `pressed` becomes true when the run shall stop, by
 * Ctrl-C too. */
TrainCallbacks
make_callbacks(const OnStep& on_step, const OnSample& sample, bool& pressed);

} // namespace llm::python
