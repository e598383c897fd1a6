// SPDX-License-Identifier: MIT
//
// The settings of the sampler in requests: their names and ranges, once for
// JSON bodies, OpenAI's bodies and queries. The ranges are those of check() in
// sampling_config.h, which a test compares.

#include <limits>

#include "llm/serving/request_parts.h"

namespace llm::serving {

namespace {

struct Setting {
  const char* name;
  float SamplingConfig::* member;
  double low, high;
  const char* off;
};

constexpr Setting settings[] = {
    {"top_p", &SamplingConfig::top_p, 0, 1, "1 switches it off"},
    {"min_p", &SamplingConfig::min_p, 0, 1, "0 switches it off"},
    {"typical_p", &SamplingConfig::typical_p, 0, 1, "1 switches it off"},
    {"repetition_penalty",
     &SamplingConfig::repetition_penalty,
     0.01,
     100,
     "1 switches it off"},
    {"frequency_penalty",
     &SamplingConfig::frequency_penalty,
     -2,
     2,
     "0 switches it off"},
    {"presence_penalty",
     &SamplingConfig::presence_penalty,
     -2,
     2,
     "0 switches it off"},
};

// 0 stands apart from the other temperatures.
float read_temperature(const Field& field) {
  const double any = std::numeric_limits<double>::infinity();
  const double value = read_number(field, -any, any);
  if (value != 0 && !(value >= 0.001 && value <= 100)) {
    refuse(
        "out_of_range",
        field.param,
        "0 or from 0.001 to 100",
        shown(field.json),
        "0 takes the best token");
  }
  return static_cast<float>(value) + 0.0f; // -0 becomes 0
}

} // namespace

const std::vector<std::string>& sampling_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all = {"temperature", "top_k"};
    for (const Setting& setting : settings) {
      all.emplace_back(setting.name);
    }
    return all;
  }();
  return names;
}

std::vector<std::string> with_sampling(std::vector<std::string> extra) {
  const auto& names = sampling_names();
  extra.insert(extra.end(), names.begin(), names.end());
  extra.emplace_back("seed");
  return extra;
}

void read_sampling(
    const std::string& name,
    const Field& field,
    SamplingConfig& config) {
  if (name == "top_k") {
    config.top_k =
        static_cast<int>(read_whole(field, 0, INT32_MAX, "0 switches it off"));
    return;
  }
  if (name == "temperature") {
    config.temperature = read_temperature(field);
    return;
  }
  for (const Setting& s : settings) {
    if (name == s.name) {
      config.*s.member =
          static_cast<float>(read_number(field, s.low, s.high, s.off));
    }
  }
}

bool read_sampling(const Fields& fields, SamplingConfig& config) {
  for (const std::string& name : sampling_names()) {
    if (fields.has(name)) {
      read_sampling(name, fields[name], config);
    }
  }
  if (!fields.has("seed")) {
    return false;
  }
  config.seed = static_cast<uint64_t>(read_whole(
      fields["seed"], 0, INT64_MAX, "leave it out for one that is drawn"));
  return true;
}

} // namespace llm::serving
