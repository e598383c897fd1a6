// SPDX-License-Identifier: MIT
//
// What the inference thread does in a round.

#include <algorithm>

#include "llm/serving/engine.h"
#include "llm/serving/step.h"

namespace llm::serving {

// [snippet round]
bool Engine::round() {
  probe("round");
  drop_cancelled();
  admit();
  begin_waiting();
  const bool answered = answer_one();
  const bool computed = compute();
  finish_lanes();
  runs_.expire();
  return answered || computed;
}
// [/snippet]

bool Engine::answer_one() {
  Task task;
  {
    const std::lock_guard lock(mutex_);
    if (tasks_.empty()) {
      return false;
    }
    task = std::move(tasks_.front());
    tasks_.pop_front();
  }
  task(this);
  return true;
}

void Engine::admit() {
  const std::lock_guard lock(mutex_);
  while (!arrived_.empty() &&
         static_cast<int>(lanes_.size()) < options_.active) {
    lanes_.push_back(std::move(arrived_.front()));
    arrived_.pop_front();
  }
  running_ = static_cast<int>(lanes_.size());
}

void Engine::drop_cancelled() {
  std::vector<std::unique_ptr<Lane>> gone;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(arrived_, [&](std::unique_ptr<Lane>& lane) {
      if (lane->stream().cancelled()) {
        gone.push_back(std::move(lane));
        return true;
      }
      return false;
    });
  }
  for (const auto& lane : gone) {
    lane->cancel();
  }
  for (const auto& lane : lanes_) {
    if (lane->stream().cancelled()) {
      lane->cancel();
    }
  }
}

void Engine::begin_waiting() {
  for (const auto& lane : lanes_) {
    if (lane->phase() != Lane::Phase::waiting) {
      continue;
    }
    try {
      const ModelInfo info = models_.find(lane->request().model);
      if (ModelHandle model = models_.get(info.id)) {
        lane->begin(std::move(model), memory_, options_.prefill_chunk);
      } else if (lane->wait_for_model()) {
        want_here(info, {});
      }
    } catch (...) {
      lane->fail(current_error());
    }
  }
}

Lane* Engine::next_prefill() {
  for (const auto& lane : lanes_) {
    if (lane->phase() == Lane::Phase::prefill) {
      return lane.get();
    }
  }
  return nullptr;
}

std::vector<Lane*> Engine::writing() {
  std::vector<Lane*> out;
  for (const auto& lane : lanes_) {
    if (lane->phase() == Lane::Phase::decode && lane->ready()) {
      out.push_back(lane.get());
    }
  }
  return out;
}

bool Engine::compute() {
  constexpr int steps_for_a_chunk = 4; // while others write
  std::vector<Lane*> rest = writing();
  Lane* reader = next_prefill();
  const bool any = reader || !rest.empty();
  if (reader && (rest.empty() || steps_since_prefill_ >= steps_for_a_chunk)) {
    steps_since_prefill_ = 0;
    prefill(*reader);
  }
  ++steps_since_prefill_;
  while (!rest.empty()) { // group by group
    constexpr size_t most = 16;
    std::vector<Lane*> group = {rest.front()};
    rest.erase(rest.begin());
    for (auto it = rest.begin(); it != rest.end() && group.size() < most;) {
      const bool fits = !group[0]->alone() && !(*it)->alone() &&
          (*it)->model() == group[0]->model();
      if (fits) {
        group.push_back(*it);
      }
      it = fits ? rest.erase(it) : std::next(it);
    }
    step_group(group);
  }
  return any;
}

void Engine::prefill(Lane& lane) {
  try {
    probe("prefill");
    lane.prefill(memory_);
  } catch (...) {
    lane.fail(current_error());
  }
}

void Engine::step_group(const std::vector<Lane*>& lanes) {
  try {
    probe("step");
    step(lanes);
  } catch (...) {
    const ApiError error = current_error();
    for (Lane* lane : lanes) {
      lane->fail(error);
    }
  }
}

void Engine::finish_lanes() {
  for (auto it = lanes_.begin(); it != lanes_.end();) {
    if ((*it)->phase() != Lane::Phase::over) {
      ++it;
      continue;
    }
    try {
      if (std::optional<Run> run = (*it)->take_run()) {
        runs_.put(std::move(*run));
      }
    } catch (...) {
      current_error(); // said in the log; the run is lost, the text is not
    }
    const std::lock_guard lock(mutex_);
    streams_.erase((*it)->stream().id());
    it = lanes_.erase(it);
    running_ = static_cast<int>(lanes_.size());
  }
}

} // namespace llm::serving
