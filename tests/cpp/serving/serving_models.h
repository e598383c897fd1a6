// SPDX-License-Identifier: MIT
//
// A service on small random models in a folder of its own.

#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "llm/models/load.h"
#include "llm/serving/service.h"
#include "tests/cpp/core/temporary_folder.h"
#include "tests/cpp/inspect/looking_models.h"

namespace small {

using namespace llm::serving;

/** models/qwen and models/gpt, with a byte tokenizer. */
class Models {
 public:
  Models() {
    llm::save_model_folder(folder() / "qwen", *qwen(512), bytes(), "");
    llm::save_model_folder(folder() / "gpt", *gpt(256), bytes(), "");
  }
  std::filesystem::path folder() const {
    return folder_.path();
  }
  ServiceOptions options() const {
    ServiceOptions out;
    out.models = folder();
    out.default_model = "qwen";
    out.offline = true;
    return out;
  }

 private:
  llm::test::TemporaryFolder folder_;
};

/** Collects the events of one generation. */
class Listener {
 public:
  Listener(Service& service, const GenerateRequest& request)
      : stream_(service.generate(request, [bell = bell_] {
          const std::lock_guard lock(bell->mutex);
          bell->rung.notify_all();
        })) {}

  /** Waits for the next event; fails the test after 20 s. */
  Event next() {
    std::unique_lock lock(bell_->mutex);
    std::optional<Event> event;
    const bool came = bell_->rung.wait_for(lock, std::chrono::seconds(20), [&] {
      event = stream_->pop();
      return event.has_value();
    });
    REQUIRE(came);
    return *event;
  }

  /** All events to the end. */
  std::vector<Event> rest() {
    std::vector<Event> out;
    do {
      out.push_back(next());
    } while (event_name(out.back()) != "done" &&
             event_name(out.back()) != "error");
    return out;
  }

  Stream& stream() {
    return *stream_;
  }
  void hang_up() {
    stream_.reset();
  }

 private:
  struct Bell {
    std::mutex mutex;
    std::condition_variable rung;
  };
  // Rung once more, perhaps, after the last event was taken.
  std::shared_ptr<Bell> bell_ = std::make_shared<Bell>();
  std::shared_ptr<Stream> stream_;
};

inline std::vector<Event> run(Service& service, const GenerateRequest& r) {
  return Listener(service, r).rest();
}

template <class T>
std::vector<T> all_of(const std::vector<Event>& events) {
  std::vector<T> out;
  for (const Event& event : events) {
    if (const T* one = std::get_if<T>(&event)) {
      out.push_back(*one);
    }
  }
  return out;
}

inline std::vector<int32_t> ids_of(const std::vector<Event>& events) {
  std::vector<int32_t> out;
  for (const TokenEvent& token : all_of<TokenEvent>(events)) {
    out.push_back(token.id);
  }
  return out;
}

inline const DoneEvent& done_of(const std::vector<Event>& events) {
  REQUIRE(event_name(events.back()) == "done");
  return std::get<DoneEvent>(events.back());
}

inline const ApiError& error_of(const std::vector<Event>& events) {
  REQUIRE(event_name(events.back()) == "error");
  return std::get<ErrorEvent>(events.back()).error;
}

/** The last event is told a moment before the place is free. */
inline bool becomes_idle(const Service& service) {
  for (int i = 0; i < 2000 && !service.idle(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return service.idle();
}

/** Waits for an answer. */
template <class F>
Answer answer(F&& ask) {
  std::mutex mutex;
  std::condition_variable changed;
  std::optional<Answer> out;
  ask([&](Answer answer) {
    const std::lock_guard lock(mutex);
    out = std::move(answer);
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  REQUIRE(changed.wait_for(
      lock, std::chrono::seconds(20), [&] { return out.has_value(); }));
  return *out;
}

inline llm::Json body(const Answer& answer) {
  return llm::parse_json(answer.body, "answer");
}

inline GenerateRequest
request(const std::string& prompt, int max_tokens = 20, uint64_t seed = 5) {
  GenerateRequest out;
  out.prompt = prompt;
  out.max_tokens = max_tokens;
  out.sampling.seed = seed;
  out.seed_given = true;
  return out;
}

} // namespace small
