// SPDX-License-Identifier: MIT

#include "llm/kernels/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace llm::kernels {

namespace {

// Some 100 microseconds of looking before a thread sleeps.
constexpr int kSpins = 4000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

class Pool {
 public:
  explicit Pool(int workers) {
    for (int i = 0; i < workers; ++i) {
      threads_.emplace_back([this] { work(); });
    }
  }

  ~Pool() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
      state_ += kRound;
    }
    wake_.notify_all();
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }

  int workers() const {
    return static_cast<int>(threads_.size());
  }

  void run(int64_t count, const std::function<void(int64_t)>& task) {
    task_ = &task;
    count_ = count;
    next_.store(0, std::memory_order_relaxed);
    {
      const std::lock_guard lock(mutex_);
      const uint64_t next_round = round_of(state_.load()) + kRound;
      state_.store(next_round | kOpen, std::memory_order_release);
    }
    wake_.notify_all();
    take_tasks();
    // Who has not come yet need not come: a worker that the system put aside
    // must not hold up everybody.
    state_.fetch_and(~kOpen, std::memory_order_acq_rel);
    for (int i = 0; (state_.load(std::memory_order_acquire) & kInside) != 0;
         ++i) {
      wait_a_moment(i);
    }
  }

 private:
  // state_: the number of the round, whether it is open, and how many workers
  // are inside.
  static constexpr uint64_t kInside = 0x7fff, kOpen = 0x8000, kRound = 0x10000;

  static uint64_t round_of(uint64_t state) {
    return state & ~(kOpen | kInside);
  }

  static void wait_a_moment(int i) {
    if (i < kSpins) {
      pause();
    } else {
      std::this_thread::yield();
    }
  }

  void take_tasks() {
    for (;;) {
      const int64_t i = next_.fetch_add(1, std::memory_order_relaxed);
      if (i >= count_) {
        return;
      }
      (*task_)(i);
    }
  }

  bool enter() {
    uint64_t state = state_.load(std::memory_order_acquire);
    while ((state & kOpen) != 0) {
      if (state_.compare_exchange_weak(
              state, state + 1, std::memory_order_acq_rel)) {
        return true;
      }
    }
    return false;
  }

  void work() {
    uint64_t seen = 0;
    for (;;) {
      for (int i = 0; i < kSpins && round_of(state_.load()) == seen; ++i) {
        pause();
      }
      if (round_of(state_.load()) == seen) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return round_of(state_.load()) != seen; });
      }
      seen = round_of(state_.load(std::memory_order_acquire));
      if (stop_) {
        return;
      }
      if (enter()) {
        take_tasks();
        state_.fetch_sub(1, std::memory_order_release);
      }
    }
  }

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<uint64_t> state_{0};
  std::atomic<int64_t> next_{0};
  std::atomic<bool> stop_{false};
  int64_t count_ = 0;
  const std::function<void(int64_t)>* task_ = nullptr;
};

std::mutex in_use;
std::atomic<int> wanted{0};
// Never destroyed: MLX's own threads may still run while the process ends.
Pool* pool = nullptr;

} // namespace

void set_threads(int count) {
  wanted = std::max(0, count);
}

int threads() {
  const int count = wanted;
  if (count > 0) {
    return count;
  }
  static const int all = std::max(1u, std::thread::hardware_concurrency());
  return all;
}

void parallel_for(int64_t count, const std::function<void(int64_t)>& task) {
  const int workers = threads() - 1;
  const std::unique_lock lock(in_use, std::try_to_lock);
  if (workers == 0 || count <= 1 || !lock.owns_lock()) {
    for (int64_t i = 0; i < count; ++i) {
      task(i);
    }
    return;
  }
  if (pool == nullptr || pool->workers() != workers) {
    delete pool;
    pool = new Pool(workers);
  }
  pool->run(count, task);
}

} // namespace llm::kernels
