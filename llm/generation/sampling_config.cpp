// SPDX-License-Identifier: MIT

#include "llm/generation/sampling_config.h"

#include <cstdio>
#include <string>

#include "llm/core/error.h"

namespace llm {

namespace {

std::string number(float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", static_cast<double>(value));
  return text;
}

void check_range(
    const std::string& name,
    float value,
    float low,
    float high,
    const std::string& off) {
  if (!(value >= low && value <= high)) { // NaN fails too
    throw UsageError(
        "sampling",
        "expected " + name + " from " + number(low) + " to " + number(high) +
            " but received " + number(value) + "; " + off + ".");
  }
}

} // namespace

void check(const SamplingConfig& c) {
  if (c.temperature != 0) {
    check_range(
        "temperature", c.temperature, 0.001f, 100, "0 takes the best token");
  }
  if (c.top_k < 0) {
    throw UsageError(
        "sampling",
        "expected top-k of at least 0 but received " + std::to_string(c.top_k) +
            "; 0 switches it off.");
  }
  check_range("top-p", c.top_p, 0, 1, "1 switches it off");
  check_range("min-p", c.min_p, 0, 1, "0 switches it off");
  check_range("typical-p", c.typical_p, 0, 1, "1 switches it off");
  check_range(
      "repetition-penalty",
      c.repetition_penalty,
      0.01f,
      100,
      "1 switches it off");
  check_range(
      "frequency-penalty", c.frequency_penalty, -2, 2, "0 switches it off");
  check_range(
      "presence-penalty", c.presence_penalty, -2, 2, "0 switches it off");
}

} // namespace llm
