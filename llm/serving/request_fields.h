// SPDX-License-Identifier: MIT
//
// Strict reading of a request's JSON, and the one wording of what is wrong with
// it: "expected stop[3] of 1 to 256 bytes but received 0; leave it out." Every
// function throws ApiError 400 (out_of_range, wrong_type, missing_param,
// unknown_param, invalid_value) that names the parameter by its path.
// Ranges are tested so that a NaN fails: !(value >= low && value <= high).

#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "llm/core/json.h"

namespace llm::serving {

/** A value and the path to it, "interventions[0].layer". */
struct Field {
  const Json& json;
  std::string param;

  /** Element i of a list. */
  Field at(size_t i) const;
};

/** "expected <param> <expected> but received <received>; <fix>." */
[[noreturn]] void refuse(
    const std::string& code,
    const std::string& param,
    const std::string& expected,
    const std::string& received,
    const std::string& fix);

/** A value, and a parameter's name as it came: one line, not too long. */
std::string shown(const Json& value);
std::string name_shown(const std::string& name);

double read_number(
    const Field& field,
    double low,
    double high,
    const std::string& fix = "correct the number");
/** A whole number, written as one: 3, not 3.0. */
int64_t read_whole(
    const Field& field,
    int64_t low,
    int64_t high,
    const std::string& fix = "correct the number");
/** A place in a list, an id, a layer: 0 to 2^31 - 1. */
int read_index(const Field& field);
bool read_bool(const Field& field);
/** UTF-8 of `low` to `high` bytes. */
std::string read_text(
    const Field& field,
    size_t low = 0,
    size_t high = std::numeric_limits<size_t>::max());
/** The length of a list. */
size_t read_list(const Field& field, size_t low, size_t high);
std::vector<int32_t> read_ids(const Field& field, size_t low, size_t high);

/** The fields of one object. */
class Fields {
 public:
  /** `known` are all that it may have. `null_is_absent`: as OpenAI's clients
   * send it; else a null is a wrong type. */
  Fields(
      const Field& object,
      const std::vector<std::string>& known,
      bool null_is_absent = false);

  bool has(const std::string& name) const;
  /** Throws missing_param. */
  Field operator[](const std::string& name) const;

  /** The field, or `fallback` without one. */
  int64_t whole(
      const std::string& name,
      int64_t low,
      int64_t high,
      int64_t fallback,
      const std::string& fix = "correct the number") const;
  bool flag(const std::string& name, bool fallback) const;
  std::string text(const std::string& name, const std::string& fallback) const;

 private:
  std::string path(const std::string& name) const;

  const Json& object_;
  std::string param_;
  bool null_is_absent_;
};

/** Throws unless exactly one of two fields is there. */
void expect_one_of(
    const Fields& fields,
    const std::string& a,
    const std::string& b);
/** Throws when a number comes twice. */
void expect_different(const Field& field, std::vector<int32_t> numbers);

} // namespace llm::serving
