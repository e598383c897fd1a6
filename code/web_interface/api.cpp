// SPDX-License-Identifier: MIT
//
// The routes that end with one answer.

#include <algorithm>

#include "code/web_interface/handlers.h"
#include "llm/serving/openai.h"
#include "llm/serving/training_runs.h"

#ifndef LLM_VERSION
#error "CMakeLists.txt says which version this is"
#endif

namespace llm::web {

using serving::Answer;
using serving::ApiError;
using serving::OnAnswer;

namespace {

/** The error of a server that takes no work. */
ApiError not_serving(const serving::Health& health) {
  if (health.status == "draining") {
    return draining_error();
  }
  return ApiError(
      503,
      "engine_dead",
      "expected a running engine but it has ended; start the server again.");
}

} // namespace

Answer get_health(Exchange& x) {
  const serving::Health health = x.app.service.health();
  Json json = {
      {"status", health.status},
      {"version", LLM_VERSION},
      {"backend", health.backend},
      {"queue",
       {{"running", health.running},
        {"waiting", health.waiting},
        {"max", health.max}}}};
  Answer answer;
  if (health.status != "ok") {
    const ApiError error = not_serving(health);
    answer = serving::error_answer(error);
    json.update(serving::to_json(error));
  }
  answer.body = json.dump();
  return answer;
}

Answer get_models(Exchange& x) {
  Json list = Json::array();
  for (const serving::ModelInfo& info : x.app.service.models()) {
    list.push_back(serving::to_json(info));
  }
  return serving::json_answer({{"data", list}});
}

Answer load_model(Exchange& x) {
  const std::string id = serving::read_id(serving::parse_body(x.body));
  const serving::ModelInfo info = x.app.service.load(id);
  return serving::json_answer({{"id", info.id}, {"state", info.state}}, 202);
}

Answer cancel(Exchange& x) {
  const std::string id = serving::read_id(serving::parse_body(x.body));
  return serving::json_answer({{"cancelled", x.app.service.cancel(id)}});
}

Answer get_training(Exchange& x) {
  Json list = Json::array();
  for (const auto& run :
       serving::list_training(x.app.service.options().models)) {
    list.push_back(serving::to_json(run));
  }
  return serving::json_answer({{"data", list}});
}

Answer get_openai_models(Exchange& x) {
  return serving::json_answer(serving::openai_models(x.app.service.models()));
}

void tokenize(Exchange& x, OnAnswer done) {
  x.app.service.tokenize(
      serving::read_tokenize(serving::parse_body(x.body)), std::move(done));
}

void inspect(Exchange& x, OnAnswer done) {
  x.app.service.inspect(
      serving::read_inspect(serving::parse_body(x.body)), std::move(done));
}

void whatif(Exchange& x, OnAnswer done) {
  x.app.service.whatif(
      serving::read_whatif(serving::parse_body(x.body)), std::move(done));
}

void get_run(Exchange& x, OnAnswer done) {
  // "/api/runs/{run}" or "/api/runs/{run}/what"
  const std::string what = x.segments.size() > 3 ? x.segments[3] : "";
  x.app.service.look(x.names.at("run"), what, x.query, std::move(done));
}

void drop_run(Exchange& x, OnAnswer done) {
  x.app.service.drop_run(x.names.at("run"), std::move(done));
}

} // namespace llm::web
