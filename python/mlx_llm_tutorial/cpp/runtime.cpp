// SPDX-License-Identifier: MIT
//
// The part of %%cpp that lives in the kernel: std::cout and std::cerr write to
// Python's streams; Ctrl-C for loops in C++; the seed of C++; and `identity`,
// which shows whether Python's arrays are C++'s arrays (the canary).

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

#include "prelude.hpp"
#include "python_stream.hpp"

namespace {

// They live as long as the process: std::cout may be used until its end.
notebook::PythonStream* out = nullptr;
notebook::PythonStream* err = nullptr;

bool is_interrupted() {
  if (!PyGILState_Check()) {
    return false; // another thread: the first one is asked
  }
  out->send(false);
  static notebook::Time yielded{};
  if (notebook::now() - yielded > notebook::kOften) {
    // The other threads of Python, which show what it has printed.
    nb::gil_scoped_release unlocked;
    yielded = notebook::now();
  }
  return PyErr_CheckSignals() != 0;
}

void flush() {
  std::fflush(stdout); // printf
  out->send(false);
  err->send(false);
}

std::string demangled(const std::string& name) {
  int status = 0;
  std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status), std::free);
  return text ? text.get() : name;
}

const notebook::Runtime hooks{is_interrupted, flush};

} // namespace

NB_MODULE(runtime, m) {
  nb::set_leak_warnings(false);
  out = new notebook::PythonStream(std::cout, "stdout");
  err = new notebook::PythonStream(std::cerr, "stderr");
  m.attr("hooks") = nb::steal(PyCapsule_New(
      const_cast<notebook::Runtime*>(&hooks),
      "mlx_llm_tutorial.cpp.runtime",
      nullptr));
  m.def("identity", [](const mx::array& x) { return x; }, nb::arg("x"));
  m.def("seed", [](uint64_t n) { mx::random::seed(n); }, nb::arg("n"));
  m.def("demangled", demangled, nb::arg("name"));
  nb::module_::import_("atexit").attr("register")(nb::cpp_function([] {
    out->restore();
    err->restore();
  }));
}
