// SPDX-License-Identifier: MIT

#include "python/bindings/casters.h"

#include <string>

namespace llm::python {

namespace nb = nanobind;

namespace {

Json number_of(nb::handle object) {
  if (nb::isinstance<nb::float_>(object)) {
    return nb::cast<double>(object);
  }
  int64_t value = 0;
  if (nb::try_cast(object, value)) {
    return value;
  }
  return nb::cast<uint64_t>(object);
}

} // namespace

Json to_json(nb::handle object, size_t depth) {
  if (depth > max_json_depth) {
    throw nb::value_error("expected JSON nested at most 64 deep.");
  }
  if (object.is_none()) {
    return nullptr;
  }
  if (nb::isinstance<nb::bool_>(object)) {
    return nb::cast<bool>(object);
  }
  if (nb::isinstance<nb::int_>(object) || nb::isinstance<nb::float_>(object)) {
    return number_of(object);
  }
  if (nb::isinstance<nb::str>(object)) {
    return nb::cast<std::string>(object);
  }
  if (nb::isinstance<nb::dict>(object)) {
    Json out = Json::object();
    for (const auto& [key, value] : nb::borrow<nb::dict>(object)) {
      out[nb::cast<std::string>(key)] = to_json(value, depth + 1);
    }
    return out;
  }
  if (nb::isinstance<nb::list>(object) || nb::isinstance<nb::tuple>(object)) {
    Json out = Json::array();
    for (const nb::handle item : object) {
      out.push_back(to_json(item, depth + 1));
    }
    return out;
  }
  throw nb::type_error("expected what JSON can hold.");
}

nb::object to_python(const Json& json) {
  switch (json.type()) {
    case Json::value_t::null:
    case Json::value_t::discarded:
      return nb::none();
    case Json::value_t::boolean:
      return nb::cast(json.get<bool>());
    case Json::value_t::number_integer:
      return nb::cast(json.get<int64_t>());
    case Json::value_t::number_unsigned:
      return nb::cast(json.get<uint64_t>());
    case Json::value_t::number_float:
      return nb::cast(json.get<double>());
    case Json::value_t::object: {
      nb::dict out;
      for (const auto& [key, value] : json.items()) {
        out[key.c_str()] = to_python(value);
      }
      return out;
    }
    case Json::value_t::array: {
      nb::list out;
      for (const Json& item : json) {
        out.append(to_python(item));
      }
      return out;
    }
    default: // text; binary values do not occur
      return nb::cast(json.get<std::string>());
  }
}

} // namespace llm::python
