// SPDX-License-Identifier: MIT

#include "llm/serving/engine.h"

#include <chrono>

#include "llm/nn/backend.h"

namespace llm::serving {

namespace {

using Clock = std::chrono::steady_clock;

int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             Clock::now().time_since_epoch())
      .count();
}

ApiError queue_full(int most) {
  ApiError error(
      429,
      "queue_full",
      "expected fewer than " + std::to_string(most) +
          " requests at a time; try again in a moment.");
  error.retry_after = 1;
  return error;
}

} // namespace

ApiError engine_dead() {
  ApiError error(
      503,
      "engine_dead",
      "expected the inference thread to run but it has ended; restart the "
      "server.");
  error.retry_after = 30;
  return error;
}

Engine::Engine(const ServiceOptions& options)
    : options_(options),
      models_(options_),
      memory_(options_.prefill_chunk, options_.prompt_bytes),
      runs_(options_.run_bytes, options_.run_seconds),
      last_round_(now_ms()),
      mailbox_(std::make_shared<Mailbox>()),
      thread_([this] { run(); }) {
  const std::lock_guard lock(mailbox_->mutex);
  mailbox_->engine = this;
}

Engine::~Engine() {
  {
    const std::lock_guard lock(mailbox_->mutex);
    mailbox_->engine = nullptr;
  }
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  cancel_all();
  thread_.join();
}

void Engine::add(std::unique_ptr<Lane> lane) {
  const int most = options_.active + options_.waiting;
  const std::lock_guard lock(mutex_);
  if (dead_) {
    throw engine_dead();
  }
  if (draining_) {
    ApiError error(
        503, "draining", "expected a server that runs but it is ending.");
    error.retry_after = 10;
    throw error;
  }
  if (running_ + static_cast<int>(arrived_.size()) >= most) {
    throw queue_full(most);
  }
  streams_[lane->stream().id()] = lane->shared_stream();
  arrived_.push_back(std::move(lane));
  woken_ = true;
  changed_.notify_one();
}

void Engine::ask(Task task) {
  constexpr size_t most = 256;
  const std::lock_guard lock(mutex_);
  if (dead_) {
    throw engine_dead();
  }
  if (tasks_.size() >= most) {
    throw queue_full(most);
  }
  tasks_.push_back(std::move(task));
  woken_ = true;
  changed_.notify_one();
}

void Engine::want(const ModelInfo& info, Task then) {
  ask([info, then = std::move(then)](Engine* engine) {
    if (engine) {
      engine->want_here(info, then);
    } else {
      then(nullptr);
    }
  });
}

bool Engine::cancel(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto it = streams_.find(id);
  const auto stream = it == streams_.end() ? nullptr : it->second.lock();
  if (!stream || stream->ended()) {
    return false;
  }
  stream->cancel();
  woken_ = true;
  changed_.notify_one();
  return true;
}

void Engine::cancel_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, weak] : streams_) {
    if (const auto stream = weak.lock()) {
      stream->cancel();
    }
  }
  woken_ = true;
  changed_.notify_one();
}

void Engine::drain() {
  const std::lock_guard lock(mutex_);
  draining_ = true;
}

bool Engine::idle() const {
  const std::lock_guard lock(mutex_);
  return running_ == 0 && arrived_.empty() && tasks_.empty();
}

Health Engine::health() const {
  constexpr int64_t patience_ms = 120'000;
  const std::lock_guard lock(mutex_);
  const bool busy = running_ > 0 || !tasks_.empty();
  const bool stuck = busy && now_ms() - last_round_ > patience_ms;
  return {
      .status = dead_ || stuck ? "dead"
          : draining_          ? "draining"
                               : "ok",
      .backend = device_name(),
      .running = running_,
      .waiting = static_cast<int>(arrived_.size()),
      .max = options_.active + options_.waiting};
}

void Engine::probe(const char* where) const {
  if (options_.probe) {
    options_.probe(where);
  }
}

void Engine::run() {
  try {
    for (bool busy = true;;) {
      {
        std::unique_lock lock(mutex_);
        if (!busy) { // readers that make room do not call: look now and then
          const auto pause =
              std::chrono::milliseconds(lanes_.empty() ? 500 : 5);
          changed_.wait_for(lock, pause, [this] { return woken_; });
        }
        woken_ = false;
        if (stopping_ && arrived_.empty() && lanes_.empty()) {
          break;
        }
      }
      last_round_ = now_ms();
      busy = round();
    }
  } catch (...) {
    die();
  }
}

void Engine::die() {
  const ApiError error = engine_dead();
  current_error();
  std::deque<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    dead_ = true;
    tasks.swap(tasks_);
    for (auto& lane : arrived_) {
      lanes_.push_back(std::move(lane));
    }
    arrived_.clear();
    streams_.clear();
    running_ = 0;
  }
  for (const auto& lane : lanes_) {
    lane->fail(error);
  }
  lanes_.clear();
  for (const Task& task : tasks) {
    task(nullptr);
  }
}

} // namespace llm::serving
