// SPDX-License-Identifier: MIT

#include "python/bindings/bindings.h"

NB_MODULE(_core, m) {
  namespace python = llm::python;
  nanobind::module_::import_("mlx.core"); // registers mx.array
  nanobind::set_leak_warnings(false);     // a notebook's last values stay
  m.doc() = "The C++ library llm/ in Python.";
  python::init_core(m);
  python::init_tokenizers(m);
  python::init_data(m);
  python::init_nn(m);
  python::init_io(m);
  python::init_models(m);
  python::init_generation(m);
  python::init_training(m);
  python::init_tuning(m);
  python::init_evaluation(m);
  python::init_inspect(m);
}
