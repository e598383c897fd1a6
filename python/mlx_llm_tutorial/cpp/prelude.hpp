// SPDX-License-Identifier: MIT
//
// What every %%cpp cell has without an #include: MLX as `mx`, nanobind as `nb`
// with the casters of the standard containers, and check_interrupt(). It is
// compiled once, into a precompiled header.
//
// Programs (%%cpp --main) have it too and run without Python: what needs Python
// is therefore reached only from notebook::start(), which they never call.

// Not `#pragma once`: a copy of this file is precompiled, another file for it.
#ifndef MLX_LLM_TUTORIAL_PRELUDE_HPP
#define MLX_LLM_TUTORIAL_PRELUDE_HPP

#include <mlx/mlx.h>
#include <nanobind/nanobind.h>
#include <nanobind/operators.h>
#include <nanobind/stl/function.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unordered_map.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <iomanip>
#include <iostream>
#include <map>
#include <numeric>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace mx = mlx::core;
namespace nb = nanobind;

// mx::Shape and mx::Strides are lists of integers for Python.
template <typename T, size_t N, typename A>
struct nanobind::detail::type_caster<mlx::core::SmallVector<T, N, A>>
    : list_caster<mlx::core::SmallVector<T, N, A>, T> {};

namespace notebook {

/** What runtime.cpp does for a cell. */
struct Runtime {
  bool (*is_interrupted)(); ///< true: a Python exception is set
  void (*flush)();          ///< brings what was printed to Python
};
inline const Runtime* runtime = nullptr;

/** Throws if the reader pressed Ctrl-C; null in a program. */
inline void (*interrupt)() = nullptr;

inline void throw_interrupt() {
  if (runtime->is_interrupted()) {
    throw nb::python_error();
  }
}

/** Called once by the module of a cell. */
inline void start() {
  nb::set_leak_warnings(false);
  const char* name = "mlx_llm_tutorial.cpp.runtime";
  auto* found = PyCapsule_GetPointer(
      nb::module_::import_("mlx_llm_tutorial.cpp.runtime").attr("hooks").ptr(),
      name);
  if (found == nullptr) {
    throw nb::python_error();
  }
  runtime = static_cast<const Runtime*>(found);
  interrupt = throw_interrupt;
}

/** After each call of an exported function: its output is Python's. */
struct Flush {
  ~Flush() {
    runtime->flush();
  }
};

} // namespace notebook

/** In a long loop: Ctrl-C ends it with a KeyboardInterrupt. Loops that you
 *  write in a cell do this by themselves, except those of plain arithmetic. */
constexpr void check_interrupt() {
  if (!std::is_constant_evaluated() && notebook::interrupt != nullptr) {
    notebook::interrupt();
  }
}

#endif
