// SPDX-License-Identifier: MIT
//
// Structs of settings in Python: TrainConfig(steps=100, block=64). Their fields
// are bound by def_rw and listed nowhere else: the constructor, keyword
// arguments of functions and repr() go over them.

#pragma once

#include <string>
#include <utility>

#include "python/bindings/bindings.h"

namespace llm::python {

/** object.name = value for each keyword. TypeError that lists the fields for a
 * name that is none, or names the field whose value has the wrong type. */
void set_fields(nb::handle object, const nb::kwargs& values);

/** "TrainConfig(steps=100, ...)". */
std::string fields_text(nb::handle object);

/** `value` with the fields that the keywords name. */
template <class T>
T with_fields(T value, const nb::kwargs& values) {
  const nb::object object = nb::cast(std::move(value));
  set_fields(object, values);
  return nb::cast<T>(object);
}

/** Adds the constructor with keywords and repr(). */
template <class T>
void add_fields(nb::class_<T>& type) {
  type.def("__init__", [](T* self, const nb::kwargs& values) {
    new (self) T(with_fields(T(), values));
  });
  type.def("__repr__", [](nb::handle self) { return fields_text(self); });
}

} // namespace llm::python
