// SPDX-License-Identifier: MIT
//
// The effective values of a request as JSON: what "start" tells, and what
// read_generate() would take again.

#include "llm/core/utf8.h"
#include "llm/models/config.h"
#include "llm/serving/events.h"

namespace llm::serving {

namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

/** 0.7f as 0.7. */
double number(float value) {
  return shortest(value);
}

Json to_json(const inspect::Intervention& intervention) {
  return std::visit(
      Overloaded{
          [](const inspect::ReplaceToken& r) -> Json {
            return {
                {"type", "replace_token"}, {"pos", r.position}, {"id", r.id}};
          },
          [](const inspect::ScaleHead& s) -> Json {
            return {
                {"type", "scale_head"},
                {"layer", s.layer},
                {"head", s.head},
                {"by", number(s.by)}};
          },
          [](const inspect::ScaleMLP& s) -> Json {
            return {
                {"type", "scale_mlp"},
                {"layer", s.layer},
                {"by", number(s.by)}};
          },
          [](const inspect::AddVector& a) -> Json {
            Json json = {
                {"type", "add_vector"}, {"layer", a.layer}, {"pos", nullptr}};
            if (a.position) {
              json["pos"] = *a.position;
            }
            if (a.values.empty()) {
              json["plus"] = replace_invalid_utf8(a.plus);
              json["minus"] = replace_invalid_utf8(a.minus);
              json["scale"] = number(a.scale);
              return json;
            }
            json["values"] = Json::array();
            for (const float value : a.values) {
              json["values"].push_back(number(value));
            }
            return json;
          }},
      intervention);
}

} // namespace

Json to_json(const GenerateRequest& request) {
  const SamplingConfig& s = request.sampling;
  Json json = {
      {"temperature", number(s.temperature)},
      {"top_k", s.top_k},
      {"top_p", number(s.top_p)},
      {"min_p", number(s.min_p)},
      {"typical_p", number(s.typical_p)},
      {"repetition_penalty", number(s.repetition_penalty)},
      {"frequency_penalty", number(s.frequency_penalty)},
      {"presence_penalty", number(s.presence_penalty)},
      {"max_tokens", request.max_tokens},
      {"stop", Json::array()},
      {"seed", s.seed},
      {"top_logprobs", request.top_logprobs},
      {"force", Json::array()},
      {"capture", nullptr}};
  for (const std::string& stop : request.stop) {
    json["stop"].push_back(replace_invalid_utf8(stop));
  }
  for (const auto& [i, id] : request.force) {
    json["force"].push_back({{"i", i}, {"id", id}});
  }
  if (request.capture) {
    json["capture"] = {
        {"layer", request.capture->layer}, {"heads", request.capture->heads}};
  }
  if (!request.interventions.empty()) {
    json["interventions"] = Json::array();
    for (const inspect::Intervention& one : request.interventions) {
      json["interventions"].push_back(to_json(one));
    }
  }
  return json;
}

} // namespace llm::serving
