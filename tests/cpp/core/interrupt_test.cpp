// SPDX-License-Identifier: MIT

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "llm/core/error.h"
#include "llm/core/interrupt.h"

using namespace llm;

namespace {

/** How a child ends that gets `signals` one after the other. */
int end_of_child(std::initializer_list<int> signals) {
  const pid_t child = ::fork();
  if (child == 0) {
    Interrupt interrupt;
    for (int number : signals) {
      ::raise(number);
    }
    ::_exit(interrupt.requested() ? interrupt.signal() : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void (*handler_of(int number))(int) {
  struct sigaction now{};
  ::sigaction(number, nullptr, &now);
  return now.sa_handler;
}

} // namespace

TEST_CASE("interrupt: the first signal sets a flag") {
  Interrupt interrupt;
  CHECK_FALSE(interrupt.requested());
  CHECK(interrupt.signal() == 0);
  ::raise(SIGTERM);
  CHECK(interrupt.requested());
  CHECK(interrupt.signal() == SIGTERM);
}

TEST_CASE("interrupt: the second signal ends the process with 128 + number") {
  CHECK(end_of_child({}) == 0);
  CHECK(end_of_child({SIGINT}) == SIGINT);
  CHECK(end_of_child({SIGINT, SIGINT}) == 128 + SIGINT);
  CHECK(end_of_child({SIGTERM, SIGTERM}) == 128 + SIGTERM);
  CHECK(end_of_child({SIGTERM, SIGINT}) == 128 + SIGINT);
}

TEST_CASE("interrupt: handlers are restored and the flag starts anew") {
  const auto before_int = handler_of(SIGINT);
  const auto before_term = handler_of(SIGTERM);
  {
    Interrupt interrupt;
    CHECK((handler_of(SIGINT) != before_int));
    ::raise(SIGINT);
    CHECK_THROWS_AS(Interrupt(), UsageError);
    CHECK(interrupt.requested()); // the refused one changed nothing
  }
  CHECK((handler_of(SIGINT) == before_int));
  CHECK((handler_of(SIGTERM) == before_term));
  Interrupt again;
  CHECK_FALSE(again.requested());
}
