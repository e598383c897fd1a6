// SPDX-License-Identifier: MIT
//
// Streams that tell what changes: the state of models, and a training run while
// it writes its metrics.

#include <map>
#include <mutex>

#include "code/web_interface/event_stream.h"
#include "code/web_interface/handlers.h"
#include "llm/serving/registry.h"
#include "llm/serving/requests.h"
#include "llm/serving/training_runs.h"

namespace llm::web {

namespace {

constexpr auto poll = milliseconds(250);

/** The newest entry of each model that has changed: a slow reader misses
 * states in between, and needs no more room. */
class Changes {
 public:
  void put(const serving::ModelInfo& info) {
    const std::lock_guard lock(mutex_);
    changed_[info.id] = serving::to_json(info);
  }
  std::map<std::string, Json> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(changed_, {});
  }

 private:
  std::mutex mutex_;
  std::map<std::string, Json> changed_;
};

/** What was told of a training run, and what comes next. */
class TrainingEvents {
 public:
  TrainingEvents(
      const std::filesystem::path& models,
      const std::string& id,
      int skip)
      : follower_(models, id), skip_(skip) {}

  /** Adds what is new; false when the run has ended and all of it is told. */
  bool tell(EventStream& out) {
    const std::string state = follower_.state(); // before the last lines
    if (state != state_) {
      state_ = state;
      out.add("state", {{"state", state}});
    }
    const std::vector<std::string> lines = follower_.next();
    if (follower_.restarted() && told_) {
      told_ = false;
      skip_ = 0;
    }
    std::string steps; // as they are in the file, each a JSON object
    for (const std::string& line : lines) {
      if (!std::exchange(told_, true)) {
        out.add_text("head", line);
      } else if (skip_ > 0) {
        --skip_;
      } else {
        steps += (steps.empty() ? "" : ",") + line;
      }
    }
    if (!steps.empty()) {
      out.add_text("steps", "{\"lines\":[" + steps + "]}");
    }
    more_ = !lines.empty();
    return more_ || state == "running";
  }
  /** There may be further lines already. */
  bool more() const {
    return more_;
  }

 private:
  serving::MetricsFollower follower_;
  std::string state_;
  int skip_;
  bool told_ = false; // the head
  bool more_ = false;
};

} // namespace

Task<> watch_models(Exchange& x) {
  serving::expect_nothing_left(x.query);
  const auto changes = std::make_shared<Changes>();
  const auto handle = x.app.service.on_model(
      [changes, wake = x.connection.wake()](const serving::ModelInfo& info) {
        changes->put(info);
        wake->raise();
      });
  EventStream out(x);
  for (const serving::ModelInfo& info : x.app.service.models()) {
    out.add("model", serving::to_json(info));
  }
  while (!out.gone() && !x.app.draining) {
    for (const auto& [id, json] : changes->take()) {
      out.add("model", json);
    }
    co_await out.send();
    co_await out.wait(seconds(60));
  }
  co_await out.finish();
}

Task<> watch_training(Exchange& x) {
  const int skip = serving::take_int(x.query, "after", 0, 1 << 30, 0);
  serving::expect_nothing_left(x.query);
  TrainingEvents events(x.app.service.options().models, x.names.at("id"), skip);
  EventStream out(x);
  bool goes_on = true;
  while (goes_on && !out.gone() && !x.app.draining) {
    goes_on = events.tell(out);
    co_await out.send();
    if (goes_on && !events.more()) {
      co_await out.wait(poll);
    }
  }
  if (!goes_on) {
    out.add("done", Json::object());
  }
  co_await out.finish();
}

} // namespace llm::web
