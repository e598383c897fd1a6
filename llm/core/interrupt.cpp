// SPDX-License-Identifier: MIT

#include "llm/core/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <system_error>

#include "llm/core/error.h"

namespace llm {

namespace {

// A handler may touch only lock-free atomics.
std::atomic<int> received{0};
std::atomic<bool> installed{false};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void handle_interrupt(int number) {
  if (received.exchange(number) != 0) {
    _exit(128 + number); // no destructors: the user wants to stop now
  }
}

void install(
    int number,
    const struct sigaction& action,
    struct sigaction* old) {
  if (sigaction(number, &action, old) != 0) {
    throw IoError(
        "interrupt",
        "cannot handle signal " + std::to_string(number) + ": " +
            std::generic_category().message(errno) + ".");
  }
}

} // namespace

Interrupt::Interrupt() {
  if (installed.exchange(true)) {
    throw UsageError(
        "interrupt", "expected one Interrupt at a time but received a second.");
  }
  received = 0;
  struct sigaction action{};
  action.sa_handler = handle_interrupt;
  action.sa_flags = SA_RESTART; // reads and writes go on
  sigemptyset(&action.sa_mask);
  try {
    install(SIGINT, action, &old_int_);
    install(SIGTERM, action, &old_term_);
  } catch (...) {
    installed = false;
    throw;
  }
}

Interrupt::~Interrupt() {
  sigaction(SIGINT, &old_int_, nullptr);
  sigaction(SIGTERM, &old_term_, nullptr);
  installed = false;
}

bool Interrupt::requested() const {
  return received != 0;
}

int Interrupt::signal() const {
  return received;
}

} // namespace llm
