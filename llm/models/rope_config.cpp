// SPDX-License-Identifier: MIT

#include "llm/models/rope_config.h"

#include <optional>
#include <string_view>

#include "llm/core/error.h"
#include "llm/models/config.h"

namespace llm {

namespace {

const char* const context_key = "original_max_position_embeddings";

bool has_object(const Json& json, const char* key) {
  return json.contains(key) && json[key].is_object();
}

std::string type_of(const Json& parameters, const std::string& where) {
  const auto older =
      json_get_or<std::string>(parameters, "type", "default", where);
  return json_get_or<std::string>(parameters, "rope_type", older, where);
}

void check_over(
    const std::string& where,
    const std::string& name,
    float value,
    float limit) {
  if (!(value > limit)) {
    throw InputError(
        where,
        name + ": expected a number over " + std::to_string(limit) +
            " but received " + std::to_string(value) + "; correct the value.");
  }
}

void refuse_part(const Json& json, const std::string& where) {
  if (json_get_or<float>(json, "partial_rotary_factor", 1.0f, where) != 1.0f) {
    throw InputError(
        where,
        "partial_rotary_factor: expected 1; models that turn a part of each "
        "head are not supported.");
  }
}

/** The numbers of a scaling, with the values that transformers assumes. */
struct Numbers {
  const Json& json;

  float get(const char* key, float fallback) const {
    return json_get_or<float>(json, key, fallback, "rope_scaling");
  }
  int context(int fallback) const {
    return json_get_or<int>(json, context_key, fallback, "rope_scaling");
  }
  std::optional<float> optional(const char* key) const {
    return json.contains(key) && !json[key].is_null()
        ? std::optional<float>(get(key, 0))
        : std::nullopt;
  }
};

nn::Rope make_llama3(const Numbers& n, float theta, int dims, int context) {
  const int before = n.context(context);
  const float low = n.get("low_freq_factor", 1);
  const float high = n.get("high_freq_factor", 4);
  check_over("rope_scaling", context_key, static_cast<float>(before), 0);
  check_over("rope_scaling", "high_freq_factor", high, low);
  return nn::llama3_rope(dims, theta, n.get("factor", 1), low, high, before);
}

nn::Rope make_yarn(const Numbers& n, float theta, int dims, int context) {
  nn::YarnSettings s;
  s.context = n.context(context);
  check_over("rope_scaling", context_key, static_cast<float>(s.context), 0);
  s.factor = n.get("factor", static_cast<float>(context) / s.context);
  s.beta_fast = n.get("beta_fast", s.beta_fast);
  s.beta_slow = n.get("beta_slow", s.beta_slow);
  check_over("rope_scaling", "beta_slow", s.beta_slow, 0);
  check_over("rope_scaling", "beta_fast", s.beta_fast, s.beta_slow);
  s.attention_factor = n.optional("attention_factor");
  s.mscale = n.get("mscale", 0);
  s.mscale_all_dim = n.get("mscale_all_dim", 0);
  s.truncate = json_get_or<bool>(n.json, "truncate", true, "rope_scaling");
  return nn::yarn_rope(dims, theta, s);
}

} // namespace

RopeConfig RopeConfig::from_json(
    const Json& config,
    const std::string& where,
    float default_theta) {
  RopeConfig out;
  out.theta = json_get_or<float>(config, "rope_theta", default_theta, where);
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    if (has_object(config, key)) {
      out = from_parameters(config[key], where + ": " + key, out.theta);
      break;
    }
  }
  refuse_part(config, where);
  check_over(where, "rope_theta", out.theta, 1);
  if (!out.scaling.is_null() && config.contains(context_key)) {
    out.scaling[context_key] = config[context_key];
  }
  return out;
}

RopeConfig RopeConfig::from_parameters(
    const Json& parameters,
    const std::string& where,
    float default_theta) {
  RopeConfig out;
  out.theta =
      json_get_or<float>(parameters, "rope_theta", default_theta, where);
  check_over(where, "rope_theta", out.theta, 1);
  refuse_part(parameters, where);
  const std::string type = type_of(parameters, where);
  if (type == "default") {
    return out;
  }
  if (type != "linear" && type != "llama3" && type != "yarn") {
    throw InputError(
        where,
        "rope_type: expected default, linear, llama3 or yarn but received \"" +
            type + "\".");
  }
  check_over(where, "factor", Numbers{parameters}.get("factor", 1), 0);
  out.scaling = {{"rope_type", type}};
  for (const auto& [key, value] : parameters.items()) {
    if (key != "type" && key != "rope_type" && key != "rope_theta") {
      out.scaling[key] = value;
    }
  }
  return out;
}

nn::Rope RopeConfig::make(int head_dim, int context) const {
  if (scaling.is_null()) {
    return {.base = theta};
  }
  const std::string type = type_of(scaling, "rope_scaling");
  const Numbers numbers{scaling};
  if (type == "linear") {
    return {.base = theta, .scale = 1.0f / numbers.get("factor", 1)};
  }
  return type == "llama3" ? make_llama3(numbers, theta, head_dim, context)
                          : make_yarn(numbers, theta, head_dim, context);
}

void RopeConfig::write(Json& config) const {
  config["rope_theta"] = shortest(theta);
  if (!scaling.is_null()) {
    config["rope_scaling"] = scaling;
  }
}

} // namespace llm
