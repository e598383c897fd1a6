// SPDX-License-Identifier: MIT
//
// The Python face of the library: one init_<folder> for each folder of llm/, in
// the file of that name. Names are those of C++; what is in llm::nn and
// llm::inspect is in the submodules nn and inspect. mx.array is shared with
// mlx.core (domain "mlx"; the pinned nanobind is the one MLX was built with).

#pragma once

#include <nanobind/nanobind.h>

namespace llm::python {

namespace nb = nanobind;
using namespace nb::literals;

void init_core(nb::module_& m);
void init_tokenizers(nb::module_& m);
void init_data(nb::module_& m);
void init_nn(nb::module_& m);
void init_io(nb::module_& m);
void init_models(nb::module_& m);
void init_generation(nb::module_& m);
void init_training(nb::module_& m);
void init_tuning(nb::module_& m);
void init_evaluation(nb::module_& m);
void init_inspect(nb::module_& m);

/** Throws Python's KeyboardInterrupt if Ctrl-C was pressed. With or without the
 * GIL, on any thread (only Python's main thread can know). */
void check_interrupt();

/** For work that runs without the GIL. */
using Release = nb::call_guard<nb::gil_scoped_release>;

} // namespace llm::python
