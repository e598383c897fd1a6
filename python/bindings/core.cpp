// SPDX-License-Identifier: MIT
//
// Errors, and where arrays are computed.

#include <nanobind/stl/string.h>

#include "llm/core/error.h"
#include "llm/nn/backend.h"
#include "python/bindings/bindings.h"
#include "python/bindings/fields.h"

namespace llm::python {

void check_interrupt() {
  const nb::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) {
    throw nb::python_error();
  }
}

namespace {

// The properties that the class itself defines, in their order.
nb::list field_names(nb::handle type) {
  nb::list out;
  const nb::object property = nb::module_::import_("builtins").attr("property");
  for (const auto& [name, value] :
       nb::cast<nb::dict>(nb::module_::import_("builtins")
                              .attr("dict")(type.attr("__dict__")))) {
    if (nb::isinstance(value, property)) {
      out.append(name);
    }
  }
  return out;
}

template <class E>
void add_error(
    nb::module_& m,
    const char* name,
    PyObject* builtin,
    const char* doc) {
  const nb::tuple bases = nb::make_tuple(m.attr("Error"), nb::handle(builtin));
  nb::exception<E> type(m, name, bases);
  type.doc() = doc;
  type.attr("__module__") = "mlx_llm_tutorial";
}

} // namespace

void set_fields(nb::handle object, const nb::kwargs& values) {
  const nb::handle type = object.type();
  const std::string of = nb::cast<std::string>(type.attr("__name__"));
  for (const auto& [key, value] : values) {
    const std::string name = nb::cast<std::string>(key);
    if (!PyObject_HasAttr(type.ptr(), key.ptr())) {
      const std::string known =
          nb::cast<std::string>(nb::str(", ").attr("join")(field_names(type)));
      const std::string text = "[" + of + "] expected a field of " + of +
          " but received " + name + "; choose from: " + known + ".";
      throw nb::type_error(text.c_str());
    }
    if (PyObject_SetAttr(object.ptr(), key.ptr(), value.ptr()) != 0) {
      PyErr_Clear();
      const std::string text = "[" + of + "] expected another type for " +
          name + " but received " + nb::cast<std::string>(nb::repr(value)) +
          "; its default is " +
          nb::cast<std::string>(nb::repr(object.attr(name.c_str()))) + ".";
      throw nb::type_error(text.c_str());
    }
  }
}

std::string fields_text(nb::handle object) {
  std::string out = nb::cast<std::string>(object.type().attr("__name__")) + "(";
  const char* comma = "";
  for (const nb::handle name : field_names(object.type())) {
    const std::string key = nb::cast<std::string>(name);
    const std::string value =
        nb::cast<std::string>(nb::repr(object.attr(key.c_str())));
    out += comma + key + "=" + value;
    comma = ", ";
  }
  return out + ")";
}

void init_core(nb::module_& m) {
  // The one registered last is tried first: the base before the others.
  nb::exception<Error> error(m, "Error");
  error.doc() =
      "What the library found wrong, in one line: where, what was expected, "
      "what was received, how to fix it.";
  error.attr("__module__") = "mlx_llm_tutorial";
  add_error<UsageError>(m, "UsageError", PyExc_ValueError, "A wrong argument.");
  add_error<InputError>(
      m, "InputError", PyExc_ValueError, "What was read is not as it should.");
  add_error<IoError>(
      m, "IoError", PyExc_OSError, "The operating system could not do it.");
  add_error<NumericError>(
      m, "NumericError", PyExc_ArithmeticError, "A number is not finite.");

  m.def(
      "start_mlx",
      &start_mlx,
      "device"_a = "",
      "threads"_a = 0,
      "Chooses where arrays are computed: \"cpu\", \"gpu\", or \"\" for the "
      "GPU where MLX has one; and the number of threads (0: as many as BLAS "
      "likes). Importing the package does it with the defaults.\n\n"
      "InputError when a GPU is asked for and there is none.");
  m.def("device_name", &device_name, "\"cpu\" or \"gpu\".");
  m.def("blas_name", &blas_name, "Which BLAS multiplies matrices.");
  m.def(
      "kernels_name",
      &kernels_name,
      "The instructions of the fused CPU operations (llm/kernels), such as "
      "\"AVX2\"; \"\" where MLX's own operations run.");
  m.def("backend_text", &backend_text, "All of these in one line.");
  m.def(
      "measure_sgemm_gflops",
      &measure_sgemm_gflops,
      "size"_a = 512,
      Release(),
      "Measured speed of a float32 matrix product, in GFLOP/s.");
  m.def(
      "peak_memory_bytes",
      &peak_memory_bytes,
      "The most memory this process has had in use.");
  m.def(
      "check_interrupt",
      &check_interrupt,
      "Raises KeyboardInterrupt if Ctrl-C was pressed: for long C++ loops.");
}

} // namespace llm::python
