// SPDX-License-Identifier: MIT

#include "llm/training/schedule.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "llm/core/error.h"

namespace llm {

namespace {

constexpr double pi = 3.14159265358979323846;

/** Curves from 1 to 0 over x in [0, 1]; wsd's begin late in the run. */
struct Curve {
  std::string name;
  double (*value)(double);
  bool late;
};

const std::vector<Curve>& curves() {
  static const std::vector<Curve> all = {
      {"constant", [](double) { return 1.0; }, false},
      {"linear", [](double x) { return 1.0 - x; }, false},
      {"cosine",
       [](double x) { return 0.5 * (1.0 + std::cos(pi * x)); },
       false},
      {"wsd", [](double x) { return 1.0 - x; }, true},
      {"wsd-sqrt", [](double x) { return 1.0 - std::sqrt(x); }, true},
  };
  return all;
}

const Curve& curve_named(const std::string& name) {
  std::string list;
  for (const Curve& curve : curves()) {
    if (curve.name == name) {
      return curve;
    }
    list += (list.empty() ? "" : ", ") + curve.name;
  }
  throw UsageError(
      "Schedule",
      "expected one of " + list + " but received '" + name +
          "'; choose one of these names.");
}

template <class T>
void require(bool ok, const std::string& expected, T received) {
  if (!ok) {
    std::ostringstream text;
    text << received;
    throw UsageError(
        "Schedule",
        "expected " + expected + " but received " + text.str() +
            "; choose a value in that range.");
  }
}

} // namespace

std::vector<std::string> schedule_names() {
  std::vector<std::string> names;
  for (const Curve& curve : curves()) {
    names.push_back(curve.name);
  }
  return names;
}

void check(const ScheduleConfig& c) {
  curve_named(c.name);
  require(c.lr >= 0 && std::isfinite(c.lr), "a finite lr >= 0", c.lr);
  require(c.min_lr >= 0 && c.min_lr <= c.lr, "0 <= min_lr <= lr", c.min_lr);
  require(c.warmup >= 0, "warmup >= 0", c.warmup);
  require(c.steps >= 0, "steps >= 0", c.steps);
  require(
      c.decay_fraction > 0 && c.decay_fraction <= 1,
      "0 < decay_fraction <= 1",
      c.decay_fraction);
}

float learning_rate(const ScheduleConfig& c, int step) {
  check(c);
  require(step >= 0, "step >= 0", step);
  const Curve& curve = curve_named(c.name);
  const double lr = c.lr, min_lr = c.min_lr;
  if (step < c.warmup) { // never 0: the first step must not be wasted
    return static_cast<float>(lr * (step + 1) / (c.warmup + 1.0));
  }
  // The fall begins at the end of the warm-up; wsd stays at lr until the last
  // part of the run (rounded to whole steps, at least one).
  int begin = c.warmup;
  if (curve.late) {
    const auto length =
        static_cast<int>(std::lround(double{c.decay_fraction} * c.steps));
    begin = std::max(begin, c.steps - std::max(length, 1));
  }
  const double length = c.steps - begin;
  const double x = length > 0 ? std::clamp((step - begin) / length, 0.0, 1.0)
                              : 1.0; // a run that ends inside its warm-up
  return static_cast<float>(min_lr + curve.value(x) * (lr - min_lr));
}

} // namespace llm
