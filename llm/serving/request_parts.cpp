// SPDX-License-Identifier: MIT

#include "llm/serving/request_parts.h"

#include <utility>

namespace llm::serving {

namespace {

using inspect::AddVector;
using inspect::Intervention;
using inspect::ReplaceToken;
using inspect::ScaleHead;
using inspect::ScaleMLP;

constexpr double largest = 1e6; // beyond any activation

float read_float(const Fields& fields, const char* name, float fallback) {
  return fields.has(name)
      ? static_cast<float>(read_number(fields[name], -largest, largest))
      : fallback;
}

ReplaceToken read_replace(const Field& field) {
  const Fields fields(field, {"type", "pos", "id"});
  return {read_index(fields["pos"]), read_index(fields["id"])};
}

ScaleHead read_head(const Field& field) {
  const Fields fields(field, {"type", "layer", "head", "by"});
  return {
      read_index(fields["layer"]),
      read_index(fields["head"]),
      read_float(fields, "by", 0)};
}

ScaleMLP read_mlp(const Field& field) {
  const Fields fields(field, {"type", "layer", "by"});
  return {read_index(fields["layer"]), read_float(fields, "by", 0)};
}

AddVector read_vector(const Field& field) {
  const bool by_texts = !field.json.contains("values");
  const Fields fields(
      field,
      by_texts
          ? std::vector<std::string>{
                "type", "layer", "pos", "plus", "minus", "scale", "values"}
          : std::vector<std::string>{"type", "layer", "pos", "values"});
  AddVector add;
  add.layer = read_index(fields["layer"]);
  if (fields.has("pos") && !fields["pos"].json.is_null()) {
    add.position = read_index(fields["pos"]);
  }
  if (by_texts) {
    add.plus = read_text(fields["plus"], 1, 4096);
    add.minus = read_text(fields["minus"], 1, 4096);
    add.scale = read_float(fields, "scale", 1);
    return add;
  }
  const Field values = fields["values"];
  for (size_t i = 0, n = read_list(values, 1, 65'536); i < n; ++i) {
    add.values.push_back(
        static_cast<float>(read_number(values.at(i), -largest, largest)));
  }
  return add;
}

Intervention read_one(const Field& field, bool replace_token) {
  static const std::vector<std::string> names = {
      "type",
      "layer",
      "head",
      "pos",
      "id",
      "by",
      "values",
      "plus",
      "minus",
      "scale"};
  const Field type = Fields(field, names)["type"];
  const std::string name = read_text(type);
  if (name == "replace_token" && replace_token) {
    return read_replace(field);
  }
  if (name == "scale_head") {
    return read_head(field);
  }
  if (name == "scale_mlp") {
    return read_mlp(field);
  }
  if (name == "add_vector") {
    return read_vector(field);
  }
  refuse(
      "invalid_value",
      type.param,
      std::string(replace_token ? "replace_token, " : "") +
          "scale_head, scale_mlp or add_vector",
      shown(type.json),
      "choose one of these");
}

} // namespace

std::string read_model(const Fields& fields) {
  return fields.has("model") ? read_text(fields["model"], 1, 256) : "";
}

std::string read_role(const Field& field) {
  const std::string role = read_text(field);
  if (role != "system" && role != "user" && role != "assistant") {
    refuse(
        "invalid_value",
        field.param,
        "system, user or assistant",
        shown(field.json),
        "choose one of these");
  }
  return role;
}

std::vector<std::string> read_stop(const Field& field) {
  std::vector<std::string> stop;
  for (size_t i = 0, n = read_list(field, 0, 16); i < n; ++i) {
    stop.push_back(read_text(field.at(i), 1, 256));
  }
  return stop;
}

std::vector<Intervention>
read_interventions(const Field& field, size_t low, bool replace_token) {
  std::vector<Intervention> all;
  for (size_t i = 0, n = read_list(field, low, 64); i < n; ++i) {
    all.push_back(read_one(field.at(i), replace_token));
  }
  return all;
}

} // namespace llm::serving
