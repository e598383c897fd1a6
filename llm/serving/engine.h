// SPDX-License-Identifier: MIT
//
// The inference thread: the only one that calls MLX. Round by round it answers
// one question, reads one chunk of a prompt and writes one token of each text,
// so that several people can write at once and nobody waits for a long prompt.

#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "llm/serving/lane.h"
#include "llm/serving/model_table.h"
#include "llm/serving/prompt_memory.h"
#include "llm/serving/run_store.h"

namespace llm::serving {

/** What everybody is told when the inference thread has ended. */
ApiError engine_dead();

class Engine {
 public:
  /** A question, which the function answers itself. It gets nullptr when the
   * engine cannot answer any more. Must not throw. */
  using Task = std::function<void(Engine*)>;

  explicit Engine(const ServiceOptions& options);
  ~Engine();

  // Any thread.
  ModelTable& models() {
    return models_;
  }
  /** ApiError queue_full, draining, engine_dead. */
  void add(std::unique_ptr<Lane> lane);
  /** ApiError queue_full (too many questions), engine_dead. */
  void ask(Task task);
  /** Loads a model, if it is not, fetching it first where it must; `then` is a
   * task for afterwards, whether it could be loaded or not. */
  void want(const ModelInfo& info, Task then);
  bool cancel(const std::string& id);
  void cancel_all();
  /** Looks again at what has changed (a reader made room, a cancel flag). */
  void wake();
  void drain();
  bool idle() const;
  Health health() const;

  // The inference thread.
  /** The model, if it is loaded. */
  ModelHandle loaded(const std::string& id) {
    return models_.get(id);
  }
  RunStore& runs() {
    return runs_;
  }

 private:
  /** How a thread that fetches a model reaches the engine, if it still is. */
  struct Mailbox {
    std::mutex mutex;
    Engine* engine;
  };

  void run();
  bool round();
  bool answer_one();
  void admit();
  void begin_waiting();
  void drop_cancelled();
  Lane* next_prefill();
  std::vector<Lane*> writing();
  bool compute();
  void prefill(Lane& lane);
  void step_group(const std::vector<Lane*>& lanes);
  void finish_lanes();
  void want_here(const ModelInfo& info, Task then);
  void fetch(const ModelInfo& info);
  void load_here(const ModelInfo& info, const std::string& fetch_error);
  void die();
  void probe(const char* where) const;

  const ServiceOptions options_;
  ModelTable models_;
  PromptMemory memory_;
  RunStore runs_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  std::deque<std::unique_ptr<Lane>> arrived_;            // wait for a place
  std::map<std::string, std::weak_ptr<Stream>> streams_; // for cancel(id)
  bool woken_ = false, stopping_ = false, draining_ = false, dead_ = false;
  std::atomic<int> running_{0};
  std::atomic<int64_t> last_round_{0}; // ms of the steady clock

  // The inference thread's own.
  std::list<std::unique_ptr<Lane>> lanes_;
  std::map<std::string, std::vector<Task>> fetching_; // what waits for it
  int steps_since_prefill_ = 0;

  std::shared_ptr<Mailbox> mailbox_;

  std::thread thread_; // last: it uses all of the above
};

} // namespace llm::serving
