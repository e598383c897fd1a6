// SPDX-License-Identifier: MIT
//
// Between Python and C++: llm::Json is dicts, lists, strings and numbers; Ids
// is a list of token ids or a one-dimensional array of integers.

#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/vector.h>

#include "llm/core/json.h"

namespace llm::python {

/** TypeError for what JSON cannot hold, ValueError when it is nested too deep.
 */
Json to_json(nanobind::handle object, size_t depth = 0);
nanobind::object to_python(const Json& json);

/** Token ids, from a list or an array. */
struct Ids {
  std::vector<int32_t> values;
};

/** A read-only NumPy view of memory that `owner` holds. */
template <class T>
using View = nanobind::ndarray<nanobind::numpy, const T, nanobind::ndim<1>>;

template <class T>
View<T> view(const std::vector<T>& values, nanobind::handle owner) {
  return View<T>(values.data(), {values.size()}, owner);
}

} // namespace llm::python

namespace nanobind::detail {

template <>
struct type_caster<llm::Json> {
  NB_TYPE_CASTER(
      llm::Json,
      const_name("dict | list | str | int | float | bool | None"))

  bool from_python(handle source, uint32_t, cleanup_list*) noexcept {
    try {
      value = llm::python::to_json(source);
      return true;
    } catch (python_error& error) {
      error.restore();
      PyErr_Clear(); // nanobind says which argument it was
    } catch (...) {
    }
    return false;
  }

  static handle
  from_cpp(const llm::Json& json, rv_policy, cleanup_list*) noexcept {
    try {
      return llm::python::to_python(json).release();
    } catch (...) {
      return {};
    }
  }
};

template <>
struct type_caster<llm::python::Ids> {
  NB_TYPE_CASTER(
      llm::python::Ids,
      const_name("list[int] | numpy.ndarray | mlx.core.array"))

  bool
  from_python(handle source, uint32_t flags, cleanup_list* cleanup) noexcept {
    if (isinstance<list>(source) || isinstance<nanobind::tuple>(source)) {
      make_caster<std::vector<int32_t>> items;
      const bool fits = items.from_python(source, flags, cleanup);
      value.values = std::move(items.value);
      return fits;
    }
    return copy<int32_t>(source) || copy<int64_t>(source) ||
        copy<uint32_t>(source);
  }

  static handle from_cpp(
      const llm::python::Ids& ids,
      rv_policy policy,
      cleanup_list* cleanup) noexcept {
    return make_caster<std::vector<int32_t>>::from_cpp(
        ids.values, policy, cleanup);
  }

 private:
  template <class T>
  bool copy(handle source) noexcept {
    ndarray<const T, ndim<1>, c_contig, device::cpu> array;
    if (!try_cast(source, array, false)) {
      return false;
    }
    value.values.assign(array.data(), array.data() + array.size());
    return true;
  }
};

} // namespace nanobind::detail
