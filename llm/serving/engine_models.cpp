// SPDX-License-Identifier: MIT
//
// How a model comes into memory: fetched by a thread of its own, which may take
// minutes and is not waited for at the end, then read by the inference thread.

#include "llm/io/model_source.h"
#include "llm/serving/engine.h"

namespace llm::serving {

void Engine::want_here(const ModelInfo& info, Task then) {
  if (models_.get(info.id)) {
    if (then) {
      then(this);
    }
    return;
  }
  const auto it = fetching_.find(info.id);
  if (it != fetching_.end()) {
    if (then) {
      it->second.push_back(std::move(then));
    }
    return;
  }
  models_.set_state(info.id, "loading");
  if (!info.downloaded) {
    std::vector<Task>& waiting = fetching_[info.id];
    if (then) {
      waiting.push_back(std::move(then));
    }
    fetch(info);
    return;
  }
  load_here(info, "");
  if (then) {
    then(this);
  }
}

void Engine::fetch(const ModelInfo& info) {
  const bool offline = options_.offline;
  std::thread([info, offline, mailbox = mailbox_] {
    std::string error;
    try {
      resolve_model(info.id, offline);
    } catch (const std::exception& e) {
      error = for_a_client(e.what());
    }
    const std::lock_guard lock(mailbox->mutex);
    if (!mailbox->engine) {
      return;
    }
    try {
      mailbox->engine->ask([info, error](Engine* engine) {
        if (engine) {
          engine->load_here(info, error);
        }
      });
    } catch (const ApiError&) {
      // The engine is dead: nobody waits any more.
    }
  }).detach();
}

void Engine::load_here(const ModelInfo& info, const std::string& fetch_error) {
  std::string error = fetch_error;
  if (error.empty()) {
    try {
      models_.load(models_.find(info.id));
    } catch (const std::exception& e) {
      error = for_a_client(e.what());
    }
  }
  models_.set_state(info.id, error.empty() ? "loaded" : "failed", error);
  for (const auto& lane : lanes_) {
    if (!error.empty() && lane->phase() == Lane::Phase::waiting &&
        lane->request().model == info.id) {
      lane->fail(ApiError(409, "model_unusable", error, "model"));
    }
  }
  const auto it = fetching_.find(info.id);
  if (it != fetching_.end()) {
    const std::vector<Task> then = std::move(it->second);
    fetching_.erase(it);
    for (const Task& task : then) {
      task(this);
    }
  }
}

} // namespace llm::serving
